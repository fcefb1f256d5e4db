// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* One object, so that all families share their maps. */
#include "lifecycle.bpf.c"
#include "accept.bpf.c"
#include "request.bpf.c"
#include "retransmit.bpf.c"
#include "drop.bpf.c"
#include "softirq.bpf.c"
#include "scan.bpf.c"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
