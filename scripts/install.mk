# SPDX-License-Identifier: GPL-2.0-only
#
# make install, make uninstall. With DESTDIR, files are placed and nothing is
# built, run or removed: that is for packages.

PREFIX ?= /usr
SYSCONFDIR ?= /etc
LIBDIR = $(PREFIX)/lib/kvm-fixes
# DKMS knows no other place.
SOURCEDIR = /usr/src/kvm-fixes-$(VERSION)
KERNEL_HOOKS = postinst.d header_postinst.d prerm.d

.PHONY: install
install: install-files
ifeq ($(DESTDIR),)
	@'$(LIBDIR)/dkms-kernel' install-all
endif

.PHONY: install-files
install-files:
	@test -n '$(DESTDIR)' -o "$$(id -u)" = 0 || { echo 'make: not root; run: sudo make install' >&2; exit 1; }
	scripts/dkms-kernel source '$(DESTDIR)$(SOURCEDIR)'
	install -d '$(DESTDIR)$(LIBDIR)'
	ln -sfn '$(SOURCEDIR)/scripts/dkms-kernel' '$(DESTDIR)$(LIBDIR)/.dkms-kernel.new'
	mv -T '$(DESTDIR)$(LIBDIR)/.dkms-kernel.new' '$(DESTDIR)$(LIBDIR)/dkms-kernel'
	@set -e; for dir in $(KERNEL_HOOKS); do \
		hook='$(DESTDIR)$(SYSCONFDIR)'/kernel/$$dir; \
		install -d "$$hook"; \
		sed 's,@LIBDIR@,$(LIBDIR),' "scripts/hooks/kernel-$${dir##*_}" >"$$hook/.kvm-fixes.new"; \
		chmod 755 "$$hook/.kvm-fixes.new"; \
		mv -T "$$hook/.kvm-fixes.new" "$$hook/dkms-kvm-fixes"; \
		echo "$$hook/dkms-kvm-fixes"; \
	done

# The modules first: what takes them out is itself taken out last.
.PHONY: uninstall
uninstall:
ifeq ($(DESTDIR),)
	@test "$$(id -u)" = 0 || { echo 'make: not root; run: sudo make uninstall' >&2; exit 1; }
	scripts/dkms-kernel remove-all
	rm -rf /var/lib/kvm-fixes /var/cache/kvm-fixes /usr/src/kvm-fixes-*
endif
	@set -e; for dir in $(KERNEL_HOOKS); do rm -f '$(DESTDIR)$(SYSCONFDIR)'/kernel/$$dir/dkms-kvm-fixes; done
	rm -rf '$(DESTDIR)$(LIBDIR)' '$(DESTDIR)$(SOURCEDIR)'
