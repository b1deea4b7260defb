# SPDX-License-Identifier: GPL-2.0-only
#
# functions='a|b' text=TEXT awk -f function-has.awk FILE
#
# Is TEXT in the body of the first of these functions that FILE defines? Runs of
# white space count as one blank, so that a line break does not matter. Kernel
# style is relied on: a definition starts in column 0, its braces stand there too.
# Prints "yes", "no", or "absent" when FILE defines none of the functions.

BEGIN {
	# From the environment: -v would take backslashes for escapes.
	count = split(ENVIRON["functions"], wanted, "|")
	text = ENVIRON["text"]
	gsub(/[ \t]+/, " ", text)
	state = "outside"
	result = "absent"
}

function names_one(line,    i, at, before) {
	for (i = 1; i <= count; i++) {
		at = index(line, wanted[i] "(")
		before = at > 1 ? substr(line, at - 1, 1) : " "
		if (at && before !~ /[A-Za-z0-9_]/)
			return 1
	}
	return 0
}

state == "outside" && /^[A-Za-z_]/ && names_one($0) {
	state = "head"
}

state == "head" {
	if (/^\{/)
		state = "body"
	else if (/;[ \t]*$/)
		state = "outside"
	next
}

state == "body" && /^}/ {
	gsub(/[ \t\n]+/, " ", body)
	result = index(body, text) ? "yes" : "no"
	exit
}

state == "body" {
	body = body " " $0
}

END {
	print result
}
