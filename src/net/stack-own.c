/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* As sbx-net: neighbours alone, and no state. sbx gives the sandbox its addresses and routes. */
#include "net/stack.h"

#include "net/engine.h"
#include "net/gateway.h"

int stack_new(struct engine *engine, struct stack **ret, struct err *err)
{
	(void)engine, (void)err;
	*ret = NULL;
	return 0;
}

void stack_free(struct stack *stack)
{
	(void)stack;
}

void stack_input(struct engine *engine, struct frame *frame, uint8_t *data, size_t len)
{
	size_t n = gateway_answer(&engine->link, engine->gateway_mac, frame, data, len);

	if (n)
		engine_send(engine, data, n);
}
