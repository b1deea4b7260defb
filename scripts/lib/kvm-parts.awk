# SPDX-License-Identifier: GPL-2.0-only
#
# awk -f kvm-parts.awk PATCH
#
# Those parts of a patch of the whole kernel that change KVM's own files: what
# SOURCE_PARTS in source.sh takes. Hunks are counted, not guessed: a removed line
# may look like the head of a file.

function path_of(line) {
	sub(/^(---|\+\+\+) /, "", line)
	sub(/[\t ].*$/, "", line)
	return line == "/dev/null" ? "" : substr(line, index(line, "/") + 1)
}

function count(range) {
	return range ~ /,/ ? substr(range, index(range, ",") + 1) + 0 : 1
}

old > 0 || new > 0 {
	if (/^[- ]/ || /^$/)
		old--
	if (/^[+ ]/ || /^$/)
		new--
	if (keep)
		print
	next
}

/^--- / {
	head = $0
	path = path_of($0)
	next
}

/^\+\+\+ / && head != "" {
	if (path_of($0) != "")
		path = path_of($0)
	keep = path ~ /^(arch\/x86|virt)\/kvm\// ||
		path ~ /^include\/(uapi\/linux|linux|trace\/events)\/kvm[^\/]*\.h$/ ||
		path ~ /^include\/kvm\/[^\/]*\.h$/ ||
		path ~ /^arch\/x86\/include\/(uapi\/)?asm\/kvm[^\/]*\.h$/ ||
		path ~ /^arch\/x86\/include\/asm\/(vmx|svm)\.h$/
	if (keep) {
		print head
		print
	}
	head = ""
	next
}

/^@@ / {
	old = count(substr($2, 2))
	new = count(substr($3, 2))
	if (keep)
		print
	next
}

/^\\/ && keep {
	print
}
