/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

struct err;
struct plan;
struct host;
struct net;

/* The network helper takes longer to be loaded than sbx takes to look at the host, and for that it
 * needs nothing of the plan: starts it as soon as the options are known. What can't be done now is
 * tried again by launch_run(), which says why. The caller ends with net_stop(). */
void launch_begin(const struct plan *plan, struct net *ret);

/* Carries out a checked plan: makes the namespaces, starts the set-up in them and watches over it.
 * env is what plan_environment() gave. Prints what fails. Returns the exit status of the program.
 * What is in net is taken over. */
int launch_run(const struct plan *plan, const struct host *host, char **env, struct net *net,
               struct err *err);
