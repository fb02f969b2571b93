/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The helper under the name slirp4netns: its command line (1.2), its readiness and exit
 * descriptors, its API socket. No policy of sbx's applies then, but the frame filter does.
 */
#pragma once

/* The whole program; the exit status. */
int s4n_main(int argc, char **argv);
