/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/net.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/host.h"
#include "core/plan.h"
#include "run/fdpass.h"
#include "run/net-helper.h"
#include "run/net-ports.h"
#include "run/netdev.h"
#include "run/resolvers.h"
#include "run/run.h"
#include "run/sync.h"

/* The helper's end sees nothing but this, so the address may be fixed. */
static const uint8_t device_mac[6] = { 0x52, 0x55, 0x0a, 0x00, 0x02, 0x64 };

/* -EPIPE when the helper has ended, whether it had read all that it was sent or not. */
static int send_message(int sock, const char *text, const int *fds, size_t n_fds)
{
	struct fdpass message = { (void *)(uintptr_t)text, strlen(text), (int *)(uintptr_t)fds,
		                  n_fds };
	int r = fdpass_send(sock, &message);

	return r == -ECONNRESET ? -EPIPE : r;
}

/* With the descriptors for ask and log. */
static bool in_one_message(const struct net_ports_bound *ports)
{
	return ports->count + 2 <= FDPASS_MAX;
}

/* The lines of net/config.h, with the end if they are all there is to say. */
static char *config_text(const struct plan *plan, const struct host *host,
                         const struct net_ports_bound *ports)
{
	const struct plan_net *net = &plan->net;
	char addr[NET_ADDR_MAX];
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	net_addr_format(&net->net4.addr, addr);
	fprintf(out, "config\nmtu %u\nmac %02x:%02x:%02x:%02x:%02x:%02x\nnet4 %s/%u\n", net->mtu,
	        device_mac[0], device_mac[1], device_mac[2], device_mac[3], device_mac[4],
	        device_mac[5], addr, net->net4.prefix - NET_PREFIX4);
	if (net->v6) {
		net_addr_format(&net->net6.addr, addr);
		fprintf(out, "net6 %s/%u\n", addr, net->net6.prefix);
	}
	for (size_t i = 0; i < host->net.n_dns; i++) {
		net_addr_format(&host->net.dns[i], addr);
		fprintf(out, "dns %s\n", addr);
	}
	fputs("ask\n", out);
	if (net->log_fd >= 0)
		fputs("log\n", out);
	if (!net->no_splice)
		fputs("splice\n", out);
	for (size_t i = 0; i < net->rules.len; i++) {
		const struct plan_net_rule *rule = &VEC_AT(&net->rules, struct plan_net_rule, i);

		fprintf(out, "%s %s\n", rule->allow ? "allow" : "deny", rule->text);
	}
	for (size_t i = 0; i < ports->count; i++)
		fprintf(out, "publish %s %u %u\n", ports->bound[i].udp ? "udp" : "tcp",
		        ports->bound[i].host_port, ports->bound[i].guest_port);
	if (in_one_message(ports))
		fputs("end\n", out);
	return fclose(out) == 0 ? text : NULL;
}

static int send_config(const struct plan *plan, const struct host *host, int control, int ask,
                       const struct net_ports_bound *ports)
{
	static const char more[] = "config\n";
	static const char end[] = "config\nend\n";
	cleanup_free char *text = config_text(plan, host, ports);
	cleanup_free int *fds = calloc(ports->count + 2, sizeof(*fds));
	size_t count = 0;
	int r;

	if (!text || !fds)
		return -ENOMEM;
	fds[count++] = ask;
	if (plan->net.log_fd >= 0)
		fds[count++] = plan->net.log_fd;
	for (size_t i = 0; i < ports->count; i++)
		fds[count++] = ports->bound[i].fd;
	if (in_one_message(ports))
		return send_message(control, text, fds, count);
	r = send_message(control, text, NULL, 0);
	for (size_t at = 0; r == 0 && at < count; at += FDPASS_MAX)
		r = send_message(control, more, fds + at,
		                 count - at < FDPASS_MAX ? count - at : FDPASS_MAX);
	return r == 0 ? send_message(control, end, NULL, 0) : r;
}

int net_start(const struct plan *plan, const struct host *host, struct net *net, struct err *err)
{
	struct net_ports_bound ports = { 0 };
	int pair[2] = { -1, -1 };
	cleanup_fd int theirs = -1;
	int r;

	if (plan->net.mode != NET_MODE_USER)
		return 0;
	r = net_ports_bind(plan, &ports, err);
	if (r == 0 && net->pid <= 0)
		r = net_helper_start(net, err);
	if (r == 0 && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		r = err_text(err, errno, "make a socket pair for the network helper");
	net->ask = pair[0];
	theirs = pair[1];
	if (r == 0) {
		r = send_config(plan, host, net->control, theirs, &ports);
		/* a helper that has ended already says why when it is waited for */
		if (r < 0 && r != -EPIPE)
			err_text(err, -r, "send the network helper its configuration");
		else
			r = 0;
	}
	if (r == 0)
		r = net_ports_report(plan, &ports, err);
	net_ports_done(&ports);
	return r;
}

int net_device_make(const struct plan *plan, struct net_device *ret, struct err *err)
{
	const struct plan_net *net = &plan->net;
	struct netdev_conf conf = { .name = "tap0",
		                    .mtu = net->mtu,
		                    .set_mac = true,
		                    .net4 = net->net4,
		                    .v6 = net->v6,
		                    .net6 = net->net6 };
	cleanup_fd int device = -1;
	int r;

	memcpy(conf.mac, device_mac, sizeof(conf.mac));
	r = netdev_open(&conf, &device, err);
	if (r == 0)
		r = netdev_configure(&conf, err);
	if (r < 0)
		return r;
	*ret = (struct net_device){ .count = 1, .fds = { steal_fd(&device) } };
	/* where the kernel has no NAT for us the device carries everything */
	if (!net->no_splice4 && netdev_redirect(&conf, false, &ret->fds[ret->count]) == 0)
		ret->count++;
	if (!net->no_splice && net->v6 && netdev_redirect(&conf, true, &ret->fds[ret->count]) == 0)
		ret->count++;
	return 0;
}

void net_device_close(struct net_device *device)
{
	while (device->count > 0)
		close(device->fds[--device->count]);
}

void net_relax(const struct run *run)
{
	netdev_relax(run->proc_fd, run->plan->ids.outer_gid);
}

int net_device_hand_over(int control, const struct net_device *device, struct err *err)
{
	int r = send_message(control, "tap\n", device->fds, device->count);

	/* as above: why a helper has ended is heard when it is waited for */
	return r < 0 && r != -EPIPE ? err_text(err, -r, "hand the network helper its device") : 0;
}

int net_attach(const struct run *run, struct err *err)
{
	struct net_device device;
	int r;

	if (run->net_control < 0)
		return 0;
	r = net_device_make(run->plan, &device, err);
	if (r < 0)
		return r;
	net_relax(run);
	r = net_device_hand_over(run->net_control, &device, err);
	net_device_close(&device);
	return r;
}

int net_wait_ready(const struct run *run, struct err *err)
{
	char text[ERR_LINE_MAX];
	char *reason = text;
	ssize_t n;

	if (run->net_control < 0)
		return 0;
	n = sync_receive_text(run->net_control, text, sizeof(text));
	close(run->net_control);
	if (n <= 0)
		return err_text(err, (int)-n, "the network helper ended before it was ready");
	text[strcspn(text, "\n")] = '\0';
	if (strcmp(text, "ready") == 0)
		return 0;
	(void)strsep(&reason, " ");
	(void)strsep(&reason, " ");
	return err_text(err, 0, "%s", reason ? reason : text);
}

static void stop_answering(struct net *net)
{
	if (net->ask >= 0)
		close(steal_fd(&net->ask));
}

void net_answer(struct net *net)
{
	if (resolvers_answer(net->ask, MSG_DONTWAIT) < 0)
		stop_answering(net);
}

static int reap(struct net *net)
{
	int status = 0;
	pid_t pid;

	do {
		pid = waitpid(net->pid, &status, 0);
	} while (pid < 0 && errno == EINTR);
	net->pid = 0;
	return status;
}

void net_stop(struct net *net)
{
	stop_answering(net);
	if (net->control >= 0)
		close(net->control);
	net->control = -1;
	if (net->pid <= 0)
		return;
	/* it would end by itself now; this is for one that hangs */
	(void)kill(net->pid, SIGKILL);
	(void)reap(net);
}

void net_died(struct net *net, struct err *err)
{
	int status = net->pid > 0 ? reap(net) : 0;

	stop_answering(net);
	close(net->control);
	net->control = -1;
	if (WIFSIGNALED(status))
		err_text(err, 0, "the network helper died (signal %d), and the sandbox with it",
		         WTERMSIG(status));
	else
		err_text(err, 0, "the network helper ended (status %d), and the sandbox with it",
		         WEXITSTATUS(status));
}
