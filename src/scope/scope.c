/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The job may be done before the reply that names it has been read: what is heard of jobs of this
 * unit is kept until the name is known.
 */
#include "scope/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/bus-address.h"
#include "core/cleanup.h"
#include "scope/property.h"
#include "scope/wire.h"

#define MANAGER_NAME      "org.freedesktop.systemd1"
#define MANAGER_PATH      "/org/freedesktop/systemd1"
#define MANAGER_INTERFACE "org.freedesktop.systemd1.Manager"
#define BUS_NAME          "org.freedesktop.DBus"
#define BUS_PATH          "/org/freedesktop/DBus"

enum { JOB_MAX = 256, TRIED_MAX = 2048, REPLY_MS = 2000 };

struct talk {
	struct scope_request *request;
	struct wire *wire;
	bool is_bus;
	uint32_t hello, call;                    /* serials; 0: not sent */
	char job[JOB_MAX];                       /* "": no reply yet */
	char done_job[JOB_MAX], done_result[64]; /* the last that was heard of */
	char tried[TRIED_MAX];
	bool is_over;
	bool is_cut; /* by the wire, so systemd may still do what it was asked */
	enum scope_result result;
	struct err *err;
};

static void finish(struct talk *talk, enum scope_result result)
{
	talk->is_over = true;
	talk->result = result;
}

/* Ends the conversation when the job that we wait for has ended. */
static void check_job(struct talk *talk)
{
	if (!talk->job[0] || strcmp(talk->job, talk->done_job) != 0)
		return;
	if (strcmp(talk->done_result, "done") == 0) {
		finish(talk, SCOPE_STARTED);
		return;
	}
	err_text(talk->err, 0, "the user's systemd could not start %s: the job's result is '%s'",
	         talk->request->unit, talk->done_result);
	finish(talk, SCOPE_FAILED);
}

/* systemd moves the processes one after another, and what follows is its own book-keeping: who sees
 * the last of them there need not wait for the news of it. */
static bool is_in_unit(struct scope_request *request, uint32_t pid)
{
	char *path = request->cgroup;
	struct err err;
	const char *name;

	if (scope_cgroup_of(pid, path, request->cgroup_size, &err) == 0) {
		name = strrchr(path, '/');
		if (name && strcmp(name + 1, request->unit) == 0)
			return true;
	}
	path[0] = '\0';
	return false;
}

static void check_processes(struct talk *talk)
{
	struct scope_request *request = talk->request;

	if (talk->is_over || !talk->job[0])
		return;
	/* the first one last: its cgroup is what is told */
	for (size_t i = request->pids_len; i > 0; i--)
		if (!is_in_unit(request, request->pids[i - 1]))
			return;
	finish(talk, SCOPE_STARTED);
}

static void take_signal(struct talk *talk, const struct dbus_message *message)
{
	const char *fields[3]; /* the job, the unit, the result */

	if (strcmp(message->interface, MANAGER_INTERFACE) != 0 ||
	    strcmp(message->member, "JobRemoved") != 0 || strcmp(message->signature, "uoss") != 0 ||
	    dbus_body_strings(message, 1, fields, ARRAY_LEN(fields)) < 0 ||
	    strcmp(fields[1], talk->request->unit) != 0)
		return;
	snprintf(talk->done_job, sizeof(talk->done_job), "%s", fields[0]);
	snprintf(talk->done_result, sizeof(talk->done_result), "%s", fields[2]);
	check_job(talk);
}

/* Errors that say that nobody of that name is there, as opposed to somebody who refuses. */
static bool is_absent(const char *name)
{
	static const char prefix[] = "org.freedesktop.DBus.Error.";
	static const char *const names[] = { "ServiceUnknown", "NameHasNoOwner",
		                             "Spawn.ServiceNotValid", "Spawn.ServiceNotFound",
		                             "Spawn.ChildExited" };

	if (strncmp(name, prefix, strlen(prefix)) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(name + strlen(prefix), names[i]) == 0)
			return true;
	}
	return false;
}

static void add_tried(struct talk *talk, const char *before, const char *text, const char *after)
{
	size_t len = strlen(talk->tried);

	snprintf(talk->tried + len, sizeof(talk->tried) - len, "%s%s%s", before, text, after);
}

/* Returns false when there is no systemd behind this address. */
static bool take_error(struct talk *talk, const struct dbus_message *message)
{
	const char *text = message->error_name;

	if (is_absent(message->error_name)) {
		add_tried(talk, ", ", "which knows no systemd", "");
		return false;
	}
	if (message->signature[0] == 's')
		(void)dbus_body_strings(message, 0, &text, 1);
	err_text(talk->err, 0, "the user's systemd refuses to start %s: %s", talk->request->unit,
	         text);
	finish(talk, SCOPE_FAILED);
	return true;
}

static void take_reply(struct talk *talk, const struct dbus_message *message)
{
	const char *job;

	if (strcmp(message->signature, "o") == 0 && dbus_body_strings(message, 0, &job, 1) == 0 &&
	    *job && strlen(job) < sizeof(talk->job)) {
		snprintf(talk->job, sizeof(talk->job), "%s", job);
		check_job(talk);
		return;
	}
	err_text(talk->err, 0, "the user's systemd refuses to start %s: an odd reply",
	         talk->request->unit);
	finish(talk, SCOPE_FAILED);
}

static bool take_message(struct talk *talk, const struct dbus_message *message)
{
	uint32_t serial = message->reply_serial;
	bool goes_on = true;

	if (message->type == DBUS_SIGNAL)
		take_signal(talk, message);
	else if (message->type == DBUS_RETURN && serial == talk->call)
		take_reply(talk, message);
	else if (message->type == DBUS_ERROR && serial &&
	         (serial == talk->call || serial == talk->hello))
		goes_on = take_error(talk, message);
	check_processes(talk);
	return goes_on;
}

/* On a bus we need a name, and the signal has to be asked for. Nothing of that is waited for: what
 * comes back is looked at as it comes. */
static void queue_greeting(struct talk *talk)
{
	struct dbus_call hello = {
		.destination = BUS_NAME, .path = BUS_PATH, .interface = BUS_NAME, .member = "Hello"
	};
	struct dbus_call match = { .destination = BUS_NAME,
		                   .path = BUS_PATH,
		                   .interface = BUS_NAME,
		                   .member = "AddMatch",
		                   .signature = "s" };
	size_t begin = wire_begin_call(talk->wire, &hello);

	wire_end_call(talk->wire, begin);
	talk->hello = hello.serial;
	begin = wire_begin_call(talk->wire, &match);
	dbus_put_string(&talk->wire->out,
	                "type='signal',sender='" MANAGER_NAME "',path='" MANAGER_PATH
	                "',interface='" MANAGER_INTERFACE "',member='JobRemoved'");
	wire_end_call(talk->wire, begin);
}

static void put_pids(struct dbus_out *out, const struct scope_request *request)
{
	struct dbus_array array;

	dbus_put_struct(out);
	dbus_put_string(out, "PIDs");
	dbus_put_signature(out, "au");
	array = dbus_begin_array(out, sizeof(uint32_t));
	for (size_t i = 0; i < request->pids_len; i++)
		dbus_put_u32(out, request->pids[i]);
	dbus_end_array(out, array);
}

static void queue_start(struct talk *talk)
{
	const struct scope_request *request = talk->request;
	struct dbus_out *out = &talk->wire->out;
	struct dbus_call call = { .destination = talk->is_bus ? MANAGER_NAME : NULL,
		                  .path = MANAGER_PATH,
		                  .interface = MANAGER_INTERFACE,
		                  .member = "StartTransientUnit",
		                  .signature = "ssa(sv)a(sa(sv))" };
	size_t begin = wire_begin_call(talk->wire, &call);
	struct dbus_array array;

	dbus_put_string(out, request->unit);
	dbus_put_string(out, "fail");
	array = dbus_begin_array(out, 8);
	/* from here on alignment is the same as in a buffer of their own */
	dbus_put_bytes(out, request->properties.buf, request->properties.len);
	property_put_text(out, "Description", request->description);
	property_put_text(out, "CollectMode", "inactive-or-failed");
	put_pids(out, request);
	dbus_end_array(out, array);
	array = dbus_begin_array(out, 8);
	dbus_end_array(out, array);
	wire_end_call(talk->wire, begin);
	talk->call = call.serial;
}

/* The processes, where they were not known from the beginning: one message of process ids. */
static bool take_pids(struct talk *talk)
{
	struct scope_request *request = talk->request;
	ssize_t n;

	if (request->pids_len > 0)
		return true;
	do
		n = recv(request->peer_fd, request->pids, sizeof(request->pids), 0);
	while (n < 0 && errno == EINTR);
	if (n <= 0 || (size_t)n % sizeof(request->pids[0]) != 0) {
		err_text(talk->err, 0, "nobody waits for the answer");
		finish(talk, SCOPE_ABANDONED);
		return false;
	}
	request->pids_len = (size_t)n / sizeof(request->pids[0]);
	return true;
}

/* Ends the conversation when the wire fails. Returns false when it is refused: another address may
 * be tried. err is set by the wire only where it is it that says what is the matter. */
static bool check_wire(struct talk *talk, enum wire_result result)
{
	unsigned int ms = talk->request->timeout_ms;
	char text[ERR_LINE_MAX];

	switch (result) {
	case WIRE_OK:
		return true;
	case WIRE_REFUSED:
		err_format(talk->err, PERSONALITY_NATIVE, text, sizeof(text));
		add_tried(talk, " (", text, ")");
		return false;
	case WIRE_FAILED:
		err_format(talk->err, PERSONALITY_NATIVE, text, sizeof(text));
		err_text(talk->err, 0, "talk to the user's systemd: %s", text);
		break;
	case WIRE_LATE:
		err_text(talk->err, 0, "the user's systemd did not start %s within %u.%03u s",
		         talk->request->unit, ms / 1000, ms % 1000);
		break;
	case WIRE_ABANDONED:
		err_text(talk->err, 0, "nobody waits for the answer");
		break;
	}
	talk->is_cut = true;
	finish(talk, result == WIRE_ABANDONED ? SCOPE_ABANDONED : SCOPE_FAILED);
	return true;
}

static enum wire_result connect_to(struct talk *talk, const char *address)
{
	int fd = steal_fd(&talk->request->manager_fd);

	return fd >= 0 ? wire_adopt(talk->wire, fd, talk->err)
	               : wire_connect(talk->wire, address, talk->err);
}

/* Asks behind one address. Returns when the conversation is over, or when there is no systemd
 * there. */
static void try_address(struct talk *talk, const char *address, bool is_bus)
{
	struct dbus_message message;

	talk->is_bus = is_bus;
	talk->hello = talk->call = 0;
	add_tried(talk, talk->tried[0] ? ", " : "", address, "");
	if (!check_wire(talk, connect_to(talk, address)) || talk->is_over)
		return;
	if (is_bus)
		queue_greeting(talk);
	if (!check_wire(talk, wire_flush(talk->wire, talk->err)) || talk->is_over ||
	    !take_pids(talk))
		return;
	queue_start(talk);
	while (!talk->is_over) {
		enum wire_result result = wire_receive(talk->wire, &message, talk->err);

		if (!check_wire(talk, result))
			return;
		if (result == WIRE_OK && !take_message(talk, &message))
			return;
	}
}

/* Whether systemd has refused, as when the name is another's; one that takes its time has not. */
static bool is_refused(const struct talk *talk, struct err *err)
{
	int64_t deadline_ms = talk->wire->deadline_ms;
	struct dbus_message message = { 0 };
	bool refused = false;

	wire_hurry(talk->wire, REPLY_MS);
	while (!talk->job[0] && message.reply_serial != talk->call &&
	       wire_receive(talk->wire, &message, err) == WIRE_OK)
		refused = message.reply_serial == talk->call && message.type == DBUS_ERROR;
	talk->wire->deadline_ms = deadline_ms;
	return refused;
}

/* The processes are gone, or will be, perhaps before they were moved: systemd would wait for ever
 * for the end of a scope that nobody has been in. */
static void take_back(struct talk *talk)
{
	struct dbus_call call = { .destination = talk->is_bus ? MANAGER_NAME : NULL,
		                  .path = MANAGER_PATH,
		                  .interface = MANAGER_INTERFACE,
		                  .member = "StopUnit",
		                  .signature = "ss" };
	struct dbus_message message = { 0 };
	struct err err; /* what failed is said already */
	size_t begin;

	talk->wire->peer_fd = -1;
	if (is_refused(talk, &err))
		return;
	begin = wire_begin_call(talk->wire, &call);
	dbus_put_string(&talk->wire->out, talk->request->unit);
	dbus_put_string(&talk->wire->out, "replace");
	wire_end_call(talk->wire, begin);
	while (wire_receive(talk->wire, &message, &err) == WIRE_OK &&
	       message.reply_serial != call.serial)
		;
}

static void try_addresses(struct talk *talk)
{
	struct bus_addresses addresses;
	bool is_first;

	bus_addresses_find(&addresses, getenv("DBUS_SESSION_BUS_ADDRESS"),
	                   getenv("XDG_RUNTIME_DIR"), getuid());
	is_first = addresses.is_direct_first;
	try_address(talk, is_first ? addresses.direct : addresses.bus, !is_first);
	if (!talk->is_over)
		try_address(talk, is_first ? addresses.bus : addresses.direct, is_first);
}

/* Whether a process is gone, or a zombie (proc(5), /proc/PID/stat). */
static bool is_dead(uint32_t pid)
{
	char name[32], stat[512];
	const char *state;
	cleanup_fd int fd = -1;
	ssize_t n;

	snprintf(name, sizeof(name), "/proc/%u/stat", pid);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, stat, sizeof(stat) - 1);
	if (n < 0)
		return errno == ENOENT || errno == ESRCH;
	stat[n] = '\0';
	state = strrchr(stat, ')');
	return state && (strncmp(state, ") Z", 3) == 0 || strncmp(state, ") X", 3) == 0);
}

/* A process that ends while it is being moved is not moved, and nobody says so; nor is it a zombie
 * at once. */
static bool is_lost(struct scope_request *request)
{
	enum { TRIES = 40, TRY_MS = 5 };

	for (size_t i = 0; i < request->pids_len; i++) {
		bool is_here = is_in_unit(request, request->pids[i]);
		bool is_gone = false;

		for (int n = 0; n < TRIES && !is_here && !is_gone; n++) {
			is_gone = is_dead(request->pids[i]);
			if (!is_gone)
				(void)poll(NULL, 0, TRY_MS);
		}
		if (!is_gone) {
			/* what was found is of the first, or of none */
			if (i > 0)
				request->cgroup[0] = '\0';
			return false;
		}
	}
	return true;
}

enum scope_result scope_start(struct scope_request *request, struct err *err)
{
	struct talk talk = { .request = request, .wire = request->wire, .err = err };

	wire_init(request->wire, request->peer_fd, request->timeout_ms);
	try_addresses(&talk);
	if (!talk.is_over) {
		err_text(err, 0, "no systemd of the user's answers: tried %s", talk.tried);
		talk.result = SCOPE_NO_MANAGER;
	}
	if (talk.result == SCOPE_STARTED && !request->cgroup[0] && is_lost(request)) {
		take_back(&talk);
		err_text(err, 0, "the sandbox ended before it was in %s", request->unit);
		talk.result = SCOPE_FAILED;
	} else if (talk.is_cut && talk.call) {
		take_back(&talk);
	}
	/* the connection ends with the process, which is at once */
	return talk.result;
}

int scope_cgroup_of(uint32_t pid, char *buf, size_t size, struct err *err)
{
	char name[32];
	cleanup_fd int fd = -1;
	size_t len = 0;
	ssize_t n;
	char *rest = buf;

	snprintf(name, sizeof(name), "/proc/%u/cgroup", pid);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_text(err, errno, "find the cgroup in %s", name);
	while (len < size - 1 && (n = read(fd, buf + len, size - 1 - len)) > 0)
		len += (size_t)n;
	buf[len] = '\0';
	for (char *line; (line = strsep(&rest, "\n"));) {
		if (strncmp(line, "0::/", 4) == 0) {
			memmove(buf, line + 3, strlen(line + 3) + 1);
			return 0;
		}
	}
	return err_text(err, ENOENT, "find the cgroup v2 line in %s", name);
}
