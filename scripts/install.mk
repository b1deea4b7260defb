# SPDX-License-Identifier: GPL-2.0-only
#
# make install, make uninstall. With DESTDIR, files are made and placed, and nothing
# is run or removed on this host: that is for packages.

PREFIX ?= /usr
SYSCONFDIR ?= /etc
UNITDIR ?= /lib/systemd/system
LIBDIR = $(PREFIX)/lib/kvm-fixes
SBINDIR = $(PREFIX)/sbin
# DKMS knows no other place.
SOURCEDIR = /usr/src/kvm-fixes-$(VERSION)
KERNEL_HOOKS = postinst.d header_postinst.d prerm.d
UNITS = kvm-fixes-early.service kvm-fixes-recover.service
WANTS = $(SYSCONFDIR)/systemd/system/sysinit.target.wants
MANPAGES = kvm-fixes.8 kvm-fixes.conf.5
MANDIR = $(PREFIX)/share/man
BASH_COMPLETION = $(PREFIX)/share/bash-completion/completions/kvm-fixes
ZSH_COMPLETION = $(PREFIX)/share/zsh/vendor-completions/_kvm-fixes
APTCONF = $(SYSCONFDIR)/apt/apt.conf.d
JOURNAL = /var/lib/kvm-fixes/swap/journal.json

# $(call manpage,NAME): its path. $(call refuse_packaged,INSTEAD): dpkg would not know.
manpage = $(MANDIR)/man$(patsubst .%,%,$(suffix $(1)))/$(1)
refuse_packaged = @test "$$(dpkg-query -W -f='$${db:Status-Status}' kvm-fixes 2>/dev/null)" != installed || \
	{ echo 'make: the package kvm-fixes is installed; run: apt-get $(1)' >&2; exit 1; }

# $(call place,MODE,FILE,PATH): there whole or not at all.
place = new='$(DESTDIR)$(dir $(3)).$(notdir $(3)).new'; \
	install -D -m $(1) '$(2)' "$$new" && mv -T "$$new" '$(DESTDIR)$(3)' || { rm -f "$$new"; exit 1; }

.PHONY: install
install: $(if $(DESTDIR),,install-packages)
	@$(MAKE) --no-print-directory install-files
ifeq ($(DESTDIR),)
	@'$(LIBDIR)/dkms-kernel' install-all
endif

.PHONY: install-packages
install-packages:
	@test "$$(id -u)" = 0 || { echo 'make: not root; run: sudo make install' >&2; exit 1; }
	$(call refuse_packaged,remove kvm-fixes-dkms kvm-fixes)
	@scripts/setup packages build dkms cli

.PHONY: install-files
install-files: $(BUILD)/kvm-fixes $(BUILD)/kvm-guest-check $(MANPAGES:%=$(BUILD)/%)
	scripts/dkms-kernel source '$(DESTDIR)$(SOURCEDIR)'
	install -d '$(DESTDIR)$(LIBDIR)'
	ln -sfn '$(SOURCEDIR)/scripts/dkms-kernel' '$(DESTDIR)$(LIBDIR)/.dkms-kernel.new'
	mv -T '$(DESTDIR)$(LIBDIR)/.dkms-kernel.new' '$(DESTDIR)$(LIBDIR)/dkms-kernel'
	$(call place,755,$(BUILD)/kvm-guest-check,$(LIBDIR)/kvm-guest-check)
	$(call place,755,$(BUILD)/kvm-fixes,$(SBINDIR)/kvm-fixes)
	$(foreach page,$(MANPAGES),$(call place,644,$(BUILD)/$(page),$(call manpage,$(page)));)
	$(call place,644,src/cli/completions/kvm-fixes.bash,$(BASH_COMPLETION))
	$(call place,644,src/cli/completions/_kvm-fixes,$(ZSH_COMPLETION))
	@set -e; for dir in $(KERNEL_HOOKS); do \
		hook='$(DESTDIR)$(SYSCONFDIR)'/kernel/$$dir; \
		install -d "$$hook"; \
		sed 's,@LIBDIR@,$(LIBDIR),' "scripts/hooks/kernel-$${dir##*_}" >"$$hook/.kvm-fixes.new"; \
		chmod 755 "$$hook/.kvm-fixes.new"; \
		mv -T "$$hook/.kvm-fixes.new" "$$hook/dkms-kvm-fixes"; \
		echo "$$hook/dkms-kvm-fixes"; \
	done
	@set -e; install -d '$(DESTDIR)$(UNITDIR)'; for unit in $(UNITS); do \
		file='$(DESTDIR)$(UNITDIR)'/$$unit; \
		test -n '$(DESTDIR)' -o -e "$$file" || { \
			install -d '$(WANTS)'; ln -sfn '$(UNITDIR)'/$$unit '$(WANTS)'/$$unit; }; \
		sed 's,@SBINDIR@,$(SBINDIR),' src/cli/systemd/$$unit >"$$file.new"; \
		mv -T "$$file.new" "$$file"; \
		echo "$$file"; \
	done
	@install -d '$(DESTDIR)$(APTCONF)' && sed 's,@LIBDIR@,$(LIBDIR),g' scripts/hooks/apt >'$(DESTDIR)$(APTCONF)/.kvm-fixes.new' && \
		mv -T '$(DESTDIR)$(APTCONF)/.kvm-fixes.new' '$(DESTDIR)$(APTCONF)/90kvm-fixes'
	@test -n '$(DESTDIR)' -o ! -d /run/systemd/system || systemctl daemon-reload

$(MANPAGES:%=$(BUILD)/%): $(BUILD)/%: docs/%.scd | $(CLI_OBJ)
	scdoc <$< >$@.new
	mv $@.new $@

# The modules first: what takes them out is itself taken out last.
.PHONY: uninstall
uninstall:
ifeq ($(DESTDIR),)
	@test "$$(id -u)" = 0 || { echo 'make: not root; run: sudo make uninstall' >&2; exit 1; }
	$(call refuse_packaged,purge kvm-fixes-dkms kvm-fixes)
	@test ! -e '$(JOURNAL)' || { echo 'make: a swap did not end ($(JOURNAL)); run: kvm-fixes recover' >&2; exit 1; }
	scripts/dkms-kernel remove-all
	scripts/dkms-kernel remove-sources
	rm -rf /var/lib/kvm-fixes /var/cache/kvm-fixes /run/modprobe.d/+kvm-fixes-this-boot.conf
endif
	@set -e; for dir in $(KERNEL_HOOKS); do rm -f '$(DESTDIR)$(SYSCONFDIR)'/kernel/$$dir/dkms-kvm-fixes; done
	@set -e; for unit in $(UNITS); do rm -f '$(DESTDIR)$(UNITDIR)'/$$unit '$(DESTDIR)$(WANTS)'/$$unit; done
	rm -f $(foreach file,$(SBINDIR)/kvm-fixes $(foreach page,$(MANPAGES),$(call manpage,$(page))) $(BASH_COMPLETION) $(ZSH_COMPLETION),'$(DESTDIR)$(file)')
	rm -f '$(DESTDIR)$(APTCONF)/90kvm-fixes'
	rm -rf '$(DESTDIR)$(LIBDIR)'
ifneq ($(DESTDIR),)
	test ! -e '$(DESTDIR)$(SOURCEDIR)/PLACED-BY-KVM-FIXES' || rm -rf '$(DESTDIR)$(SOURCEDIR)'
else
	@test ! -d /run/systemd/system || systemctl daemon-reload
endif
