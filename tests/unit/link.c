/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of a host that does not come up. */
#include "run/link.h"
#include "tests/unit/tap.h"

int main(void)
{
	const volatile bool interrupted = true, undisturbed = false;
	struct strbuf err = STRBUF_INIT;

	CHECK(!link_open("/bin/cat", NULL, ISOLATION_ZYGOTE, ALLOCATOR_DEFAULT,
			 &interrupted, &err),
	      "who is interrupted gets no link");
	CHECK(strstr(err.buf, "not ready yet when it was interrupted"), "and it is said why");
	CHECK(!strstr(err.buf, "minute"), "and no time that did not go by");
	strbuf_reset(&err);
	CHECK(!link_open("/bin/true", NULL, ISOLATION_ZYGOTE, ALLOCATOR_DEFAULT,
			 &undisturbed, &err),
	      "nor who starts what is no host");
	CHECK(strstr(err.buf, "does not start"), "which is told otherwise");
	strbuf_release(&err);
	return tap_done();
}
