# SPDX-License-Identifier: GPL-2.0-only
#
# awk -v tree=DIR -f hunk-places.awk PATCH
#
# For each hunk of PATCH, a line "FILE NUMBER PLACES": the file below DIR, the
# hunk's number in that file, and the lines at which its old text stands there,
# joined by commas, or "-" for none. A hunk that fits in two places could change
# the wrong function; `patch` would take the nearer one without a word.
#
# Exits 1 on what it cannot read as a unified diff of files below DIR.

function fail(why) {
	print FILENAME ": line " FNR ": " why > "/dev/stderr"
	broken = 1
	exit 1
}

function load(path,    line, got) {
	lines = 0
	while ((got = (getline line < path)) > 0)
		text[++lines] = line
	close(path)
	if (got < 0)
		fail("no such file in the source: " file)
}

function places(    at, i, found) {
	for (at = 1; at + old_lines - 1 <= lines; at++) {
		for (i = 1; i <= old_lines && text[at + i - 1] == old[i]; i++)
			;
		if (i > old_lines)
			found = found (found == "" ? "" : ",") at
	}
	return found == "" ? "-" : found
}

function finish_hunk() {
	if (!in_hunk)
		return
	in_hunk = 0
	print file, hunk, places()
}

# "@@ -12,7 +12,9 @@": how many lines of either side the hunk still owes.
function open_hunk(    range) {
	split($2, range, ",")
	owe_old = (2 in range) ? range[2] + 0 : 1
	delete range
	split($3, range, ",")
	owe_new = (2 in range) ? range[2] + 0 : 1
	if (file == "" || owe_old == 0)
		fail("a hunk without a file or without old text")
	hunk++
	old_lines = 0
	in_hunk = 1
}

# An editor may have stripped the blank that an empty context line starts with.
in_hunk && $0 == "" {
	$0 = " "
}

in_hunk && /^[ -]/ {
	old[++old_lines] = substr($0, 2)
	owe_old--
	if (/^ /)
		owe_new--
}

in_hunk && /^\+/ {
	owe_new--
}

in_hunk {
	if ($0 !~ /^[ +\\-]/ || owe_old < 0 || owe_new < 0)
		fail("the hunk is longer or shorter than its header says")
	if (owe_old == 0 && owe_new == 0)
		finish_hunk()
	next
}

/^--- / {
	next
}

/^\+\+\+ / {
	file = $2
	if (file !~ /^b\/(arch\/x86\/kvm|virt\/kvm|include)\/[A-Za-z0-9_.\/-]+$/ ||
	    file ~ /\.\./)
		fail("only files below arch/x86/kvm, virt/kvm and include may be changed")
	file = substr(file, 3)
	hunk = 0
	load(tree "/" file)
	next
}

/^@@ -/ {
	open_hunk()
}

END {
	if (broken)
		exit 1
	if (in_hunk)
		fail("the patch ends inside a hunk")
	if (file == "")
		fail("no file is changed")
}
