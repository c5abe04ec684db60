# SPDX-License-Identifier: ISC
# install and uninstall: included by the Makefile.

SBINDIR     = $(PREFIX)/sbin
MANDIR      = $(PREFIX)/share/man
DOCDIR      = $(PREFIX)/share/doc/tarpit
# systemd looks for all of these under /usr/local/lib as well as /usr/lib.
SYSTEMD     = $(PREFIX)/lib/systemd
SYSUSERSDIR = $(PREFIX)/lib/sysusers.d
TMPFILESDIR = $(PREFIX)/lib/tmpfiles.d
CONFDIR     = $(SYSCONFDIR)/tarpit

INSTALL_MANS     := $(wildcard bin/*/*.[1578] policy/*.[158] data/*.[158])
INSTALL_UNITS    := $(wildcard units/system/*)
INSTALL_CATALOG  := $(wildcard units/catalog/*.catalog)
INSTALL_SYSUSERS := $(wildcard units/sysusers.d/*.conf)
INSTALL_TMPFILES := $(wildcard units/tmpfiles.d/*.conf)
INSTALL_CRON     := $(wildcard units/cron.d/*)
INSTALL_CONFS    := $(wildcard bin/*/*.conf policy/*.conf data/seed/local-*.txt)
INSTALL_LISTS    := $(wildcard data/lists.d/*.conf)
INSTALL_EXAMPLES := $(shell find units/inetd units/postfix units/exim units/journald units/grafana -type f 2>/dev/null)
INSTALL_FAIL2BAN := $(wildcard units/fail2ban/*/*.conf)

SUBSTITUTE = sed 's,@SBINDIR@,$(SBINDIR),g; s,@SYSCONFDIR@,$(SYSCONFDIR),g; s,@DOCDIR@,$(DOCDIR),g'

# $(call install_as,MODE,SOURCE,TARGET): with the paths of this installation.
define install_as
@mkdir -p $(DESTDIR)$(dir $(3))
@$(SUBSTITUTE) $(2) | install -m $(1) /dev/stdin $(DESTDIR)$(3)

endef

# $(call install_conf,SOURCE,TARGET): what is there is the administrator's.
define install_conf
@mkdir -p $(DESTDIR)$(dir $(2))
@if [ ! -e $(DESTDIR)$(2) ]; then \
	install -m 644 $(1) $(DESTDIR)$(2); \
elif cmp -s $(1) $(DESTDIR)$(2); then \
	rm -f $(DESTDIR)$(2).new; \
else \
	install -m 644 $(1) $(DESTDIR)$(2).new; \
	echo "$(2) stays as it is; the shipped one is $(2).new"; \
fi

endef

# $(call each_to,MODE,SOURCES,DIRECTORY)
each_to = $(foreach f,$(2),$(call install_as,$(1),$(f),$(3)/$(notdir $(f))))

install: all install-files install-activate ## programs, manuals, units, configuration

install-files:
	install -d $(DESTDIR)$(SBINDIR)
	install -m 755 $(PROGS:%=$(B)/%) $(DESTDIR)$(SBINDIR)
	$(foreach m,$(INSTALL_MANS),$(call install_as,644,$(m),$(MANDIR)/man$(patsubst .%,%,$(suffix $(m)))/$(notdir $(m))))
	$(call each_to,644,$(INSTALL_UNITS),$(SYSTEMD)/system)
	$(call each_to,644,$(INSTALL_CATALOG),$(SYSTEMD)/catalog)
	$(call each_to,644,$(INSTALL_SYSUSERS),$(SYSUSERSDIR))
	$(call each_to,644,$(INSTALL_TMPFILES),$(TMPFILESDIR))
	$(call each_to,644,$(INSTALL_CRON),$(SYSCONFDIR)/cron.d)
	$(foreach e,$(INSTALL_EXAMPLES),$(call install_as,644,$(e),$(DOCDIR)/$(patsubst units/%,%,$(e))))
	$(foreach c,$(INSTALL_CONFS),$(call install_conf,$(c),$(CONFDIR)/$(notdir $(c))))
	$(foreach c,$(INSTALL_LISTS),$(call install_conf,$(c),$(CONFDIR)/lists.d/$(notdir $(c))))
	$(foreach c,$(INSTALL_FAIL2BAN),$(call install_as,644,$(c),$(SYSCONFDIR)/$(c:units/%=%)))

# Users, directories and catalog, on this machine only: a package does it in
# its own way.  None of it starts anything; the timer starts with the machine.
install-activate:
ifeq ($(DESTDIR),)
	@! command -v systemd-sysusers >/dev/null || systemd-sysusers $(SYSUSERSDIR)/tarpit.conf
	@! command -v systemd-tmpfiles >/dev/null || systemd-tmpfiles --create $(TMPFILESDIR)/tarpit.conf
	@! command -v journalctl >/dev/null || journalctl --update-catalog
	@[ ! -d /run/systemd/system ] || systemctl daemon-reload
	@! command -v systemctl >/dev/null || systemctl -q enable tarpit-lists.timer
endif

# Configuration stays, unless it is as shipped.
uninstall:               ## remove what install has put in place
	@[ -n "$(DESTDIR)" ] || ! command -v systemctl >/dev/null || systemctl -q disable tarpit-lists.timer 2>/dev/null || :
	rm -f $(PROGS:%=$(DESTDIR)$(SBINDIR)/%)
	rm -f $(foreach m,$(INSTALL_MANS),$(DESTDIR)$(MANDIR)/man$(patsubst .%,%,$(suffix $(m)))/$(notdir $(m)))
	rm -f $(INSTALL_UNITS:units/system/%=$(DESTDIR)$(SYSTEMD)/system/%)
	rm -f $(INSTALL_CATALOG:units/catalog/%=$(DESTDIR)$(SYSTEMD)/catalog/%)
	rm -f $(INSTALL_SYSUSERS:units/sysusers.d/%=$(DESTDIR)$(SYSUSERSDIR)/%)
	rm -f $(INSTALL_TMPFILES:units/tmpfiles.d/%=$(DESTDIR)$(TMPFILESDIR)/%)
	rm -f $(INSTALL_CRON:units/cron.d/%=$(DESTDIR)$(SYSCONFDIR)/cron.d/%)
	rm -f $(INSTALL_FAIL2BAN:units/%=$(DESTDIR)$(SYSCONFDIR)/%)
	rm -rf $(DESTDIR)$(DOCDIR)
	@for c in $(INSTALL_CONFS); do \
		t=$(DESTDIR)$(CONFDIR)/$${c##*/}; \
		rm -f "$$t.new"; ! cmp -s "$$c" "$$t" || rm -f "$$t"; \
	done
	@for c in $(INSTALL_LISTS); do \
		t=$(DESTDIR)$(CONFDIR)/lists.d/$${c##*/}; \
		rm -f "$$t.new"; ! cmp -s "$$c" "$$t" || rm -f "$$t"; \
	done
	@for d in $(CONFDIR)/lists.d $(CONFDIR); do \
		[ ! -d $(DESTDIR)$$d ] || rmdir --ignore-fail-on-non-empty $(DESTDIR)$$d; \
	done

.PHONY: install install-files install-activate uninstall
