# SPDX-License-Identifier: GPL-2.0-only
#
# From the lines of kvm-bus-bench to what docs/PERFORMANCE.md holds. Slurped input;
# $facts, $readers, $min and $ratio (the bound of src/kernel/bus-retire.c) are given.

def median: sort | if length % 2 == 1 then .[length / 2 | floor] else (.[length / 2 - 1] + .[length / 2]) / 2 end;

# How far the middle half of the values lies apart, in percent of the median.
def spread: sort | if length < 4 or median == 0 then null
	else (.[length * 3 / 4 | floor] - .[length / 4 | floor]) / median * 100 | round end;

def groups(f): group_by(f) | map({key: .[0] | f, all: .});

# An array of n devices as the allocator and the fix round it: a header of six words,
# two counters, three words a device.
def pow2: . as $x | 64 | until(. >= $x; . * 2);
def bound($n): [$min, $ratio * (72 + 24 * $n | pow2)] | max;

def bursts: map(select(.kind == "burst" and (has("grace") | not)))
	| groups([.n, .bus, .vcpus, .load, .set]) | map(.all | {
		n: .[0].n, bus: .[0].bus, vcpus: .[0].vcpus, load: .[0].load, set: .[0].set, bursts: length,
		total_ns: (map(.total_ns) | median), spread_percent: (map(.total_ns) | spread),
		fastest_ns: (map(.total_ns) | min), slowest_ns: (map(.total_ns) | max),
		median_ns: (map(.median_ns) | median), p99_ns: (map(.p99_ns) | median),
		worst_ns: (map(.worst_ns) | median), waits: (map(.waits) | max),
		retained_peak_bytes: (map(.retained_peak_bytes) | max)});

def grace: map(select(.kind == "burst" and has("grace")))
	| map({n, bus, vcpus, load, set} + .grace);

def calls: map(select(.kind == "call"))
	| groups([.call, .vcpus, .load, .set]) | map(.all | {
		call: .[0].call, vcpus: .[0].vcpus, load: .[0].load, set: .[0].set,
		samples: (map(select(.burst) | .samples) | add),
		without_ns: (map(select(.burst | not) | .median_ns) | median),
		after_ns: (map(select(.burst) | .median_ns) | median)}
		| .ratio = .after_ns / .without_ns);

def exits: map(select(.kind == "exit"))
	| groups([.bus, .n, .set]) | map(.all | {
		bus: .[0].bus, n: .[0].n, set: .[0].set, samples: (map(.samples) | add),
		ns: (map(.median_ns) | median), spread_percent: (map(.median_ns) | spread)});

def cell: "\(.bus), \(.vcpus) vCPUs, \(.load)";

# goal: what, where, the limit, what was seen. "most" and "least" say on which side it is met.
def goal($goal; $where; $limit; $seen; $met; $factor): {goal: $goal, where: $where, limit: $limit, seen: $seen,
	met: $met, missed_by: (if $met then null elif $limit == 0 then "\($seen - $limit)" else "a factor of \($factor * 100 | round / 100)" end)};
def most($goal; $where; $limit; $seen): goal($goal; $where; $limit; $seen; $seen <= $limit;
	if $limit == 0 then null else $seen / $limit end);
def least($goal; $where; $limit; $seen): goal($goal; $where; $limit; $seen; $seen >= $limit; $limit / $seen);

def of($set; $like): map(select(.set == $set and .n == $like.n and .bus == $like.bus
	and .vcpus == $like.vcpus and .load == $like.load)) | first;

def total_goals($bursts; $stock_waits): $bursts[] | select(.set == "ours" and .n == 1000 and .vcpus == 4) | . as $ours
	| ($bursts | of("floor"; $ours)) as $floor | ($bursts | of("stock"; $ours)) as $stock
	| most("total of 1,000 against the floor"; cell; 1.25; .total_ns / $floor.total_ns),
	(if $stock_waits then
		least("total of 1,000, times faster than stock"; cell; 15; $stock.total_ns / .total_ns)
	else empty end);

def wait_goals($bursts): ([1000, 15], [10000, 300]) as [$n, $limit]
	| [$bursts[] | select(.set == "ours" and .n == $n) | .waits] | select(length > 0)
	| most("waits"; "\($n) registrations"; $limit; max);

def retained($bursts): $bursts | map(select(.set == "ours")) | groups(.n)
	| map({n: .key, bytes: (.all | map(.retained_peak_bytes) | max), bound: bound(.key)});

def bound_goals($bursts): retained($bursts)[] | most("bytes retained"; "\(.n) registrations"; .bound; .bytes);

def call_goals($calls): $calls[] | select(.set == "ours")
	| most("after a burst against without one"; "\(.call), \(.vcpus) vCPUs, \(.load)"; 1.25; .ratio);

def reader_goal: $readers[] | select(.function == "all")
	| most("instructions of the readers more than stock"; "all"; 0; .difference);

bursts as $bursts | calls as $calls | grace as $grace
# Before 6.18 the kernel waits for each registration; since then it leaves callbacks behind.
| ($grace | any(.set == "stock" and .expedited_waits > 0)) as $stock_waits
| {schema: 1, facts: ($facts + {rounds: (map(.round) | max)}), bursts: $bursts, grace: $grace, calls: $calls, exits: exits, readers: $readers,
	retained: retained($bursts),
	goals: [total_goals($bursts; $stock_waits), wait_goals($bursts), bound_goals($bursts), (if $stock_waits then empty else call_goals($calls) end), reader_goal]}
