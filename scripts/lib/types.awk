# SPDX-License-Identifier: GPL-2.0-only
#
# awk -f types.awk REFERENCE OTHER, both as pahole prints them
#
# Compares every struct and union that both define. Prints the name of each that
# OTHER lays out in a way that REFERENCE does not know, then "compared N".

FNR == 1 {
	file++
}

/^(struct|union) [A-Za-z0-9_]+ \{/ {
	name = $1 " " $2
	body = ""
}

name != "" {
	body = body $0 "\n"
}

/^\}/ && name != "" {
	if (file == 1) {
		known[name] = 1
		layout[name, body] = 1
	} else if (name in known) {
		compared++
		if (!((name, body) in layout))
			print name
	}
	name = ""
}

END {
	print "compared", compared + 0
}
