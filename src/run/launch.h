/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

struct err;
struct plan;
struct host;

/* Carries out a checked plan: makes the namespaces, starts the set-up in them and watches over it.
 * env is what plan_environment() gave. Prints what fails. Returns the exit status of the program.
 */
int launch_run(const struct plan *plan, const struct host *host, char **env, struct err *err);
