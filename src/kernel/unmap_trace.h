/* SPDX-License-Identifier: GPL-2.0-only */
#if !defined(KVM_FIXES_UNMAP_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define KVM_FIXES_UNMAP_TRACE_H

#include <linux/tracepoint.h>
#include "unmap-guard.h"

#undef TRACE_SYSTEM
#define TRACE_SYSTEM kvm

/* A range was zapped, and the unmap rule was broken. */
TRACE_EVENT(kvm_unmap_violation,
	    TP_PROTO(const struct guard_case *broken),
	    TP_ARGS(broken),

	    TP_STRUCT__entry(__array(char, rule, GUARD_NAME_MAX)
			     __array(char, place, GUARD_NAME_MAX)
			     __field(u64, start)
			     __field(u64, end)
			     __field(int, id)
			     __field(int, as_id)
			     __field(int, vm_pid)),

	    TP_fast_assign(memcpy(__entry->rule, guard_rule_names[broken->rule],
				  GUARD_NAME_MAX);
			   memcpy(__entry->place, guard_place_names[broken->place],
				  GUARD_NAME_MAX);
			   __entry->start = broken->start;
			   __entry->end = broken->end;
			   __entry->id = guard_case_id(broken);
			   __entry->as_id = guard_case_as_id(broken);
			   __entry->vm_pid = broken->kvm->userspace_pid;),

	    TP_printk("%s rule=%s slot=%d as_id=%d start=%#llx end=%#llx vm=%d",
		      __entry->place, __entry->rule, __entry->id, __entry->as_id,
		      __entry->start, __entry->end, __entry->vm_pid)
);

#endif /* KVM_FIXES_UNMAP_TRACE_H */

/* Kbuild.kvm has this folder on the include path. */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE unmap_trace

#include <trace/define_trace.h>
