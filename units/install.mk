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
# What was installed where the administrator may change it, as it was: so that
# the next installation knows what is his doing.
SHIPPEDDIR  = $(PREFIX)/share/tarpit/shipped

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

# SOURCE=TARGET of all that the administrator may change.
CONF_FILES = $(foreach c,$(INSTALL_CONFS),$(c)=$(CONFDIR)/$(notdir $(c))) \
	$(foreach c,$(INSTALL_LISTS),$(c)=$(CONFDIR)/lists.d/$(notdir $(c))) \
	$(foreach c,$(INSTALL_CRON),$(c)=$(SYSCONFDIR)/cron.d/$(notdir $(c))) \
	$(foreach c,$(INSTALL_FAIL2BAN),$(c)=$(SYSCONFDIR)/$(c:units/%=%))

SUBSTITUTE = sed 's,@SBINDIR@,$(SBINDIR),g; s,@SYSCONFDIR@,$(SYSCONFDIR),g; s,@DOCDIR@,$(DOCDIR),g'

# $(call install_as,MODE,SOURCE,TARGET): with the paths of this installation.
define install_as
@mkdir -p $(DESTDIR)$(dir $(3))
@$(SUBSTITUTE) $(2) | install -m $(1) /dev/stdin $(DESTDIR)$(3)

endef

# $(call install_conf,SOURCE,TARGET): what is there is the administrator's, and
# what he has removed stays away.  A file that is still as the last installation
# shipped it is replaced.  Neither cron, fail2ban nor tarpit reads "*.new".
define install_conf
@set -e; mkdir -p $(DESTDIR)$(dir $(2)) $(DESTDIR)$(dir $(SHIPPEDDIR)$(2)); \
t=$(DESTDIR)$(2); was=$(DESTDIR)$(SHIPPEDDIR)$(2); \
$(SUBSTITUTE) $(1) >"$$was.new"; \
if [ ! -e "$$t" ] && [ -e "$$was" ]; then \
	echo "$(2) was removed, and stays away"; \
elif [ ! -e "$$t" ] || { [ -e "$$was" ] && cmp -s "$$t" "$$was"; }; then \
	install -m 644 "$$was.new" "$$t"; rm -f "$$t.new"; \
elif cmp -s "$$t" "$$was.new"; then \
	rm -f "$$t.new"; \
else \
	install -m 644 "$$was.new" "$$t.new"; \
	echo "$(2) stays as it is; the shipped one is $(2).new"; \
fi; \
mv "$$was.new" "$$was"

endef

# $(call uninstall_conf,TARGET): unless it was edited.
define uninstall_conf
@t=$(DESTDIR)$(1); was=$(DESTDIR)$(SHIPPEDDIR)$(1); \
rm -f "$$t.new"; ! cmp -s "$$was" "$$t" || rm -f "$$t"; rm -f "$$was"

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
	$(foreach e,$(INSTALL_EXAMPLES),$(call install_as,644,$(e),$(DOCDIR)/$(patsubst units/%,%,$(e))))
	$(foreach c,$(CONF_FILES),$(call install_conf,$(firstword $(subst =, ,$(c))),$(lastword $(subst =, ,$(c)))))

# Users, directories and catalog, on this machine only: a package does it in
# its own way.  Nothing is started but, the first time, the timer that keeps
# lists fresh, and one run of what it calls: who has disabled it is not asked
# again.  It is waited for only as long as people wait.
install-activate:
ifeq ($(DESTDIR),)
	@! command -v systemd-sysusers >/dev/null || systemd-sysusers $(SYSUSERSDIR)/tarpit.conf
	@! command -v systemd-tmpfiles >/dev/null || systemd-tmpfiles --create $(TMPFILESDIR)/tarpit.conf
	@! command -v journalctl >/dev/null || journalctl --update-catalog
	@[ ! -d /run/systemd/system ] || systemctl daemon-reload
	@[ -e $(SHIPPEDDIR)/activated ] || ! command -v systemctl >/dev/null || systemctl -q enable tarpit-lists.timer
	@[ -e $(SHIPPEDDIR)/activated ] || [ ! -d /run/systemd/system ] || { \
		timeout 20 systemctl start tarpit-lists.service || :; \
		systemctl start tarpit-lists.timer; }
	@touch $(SHIPPEDDIR)/activated
endif

# Everything of ours that may run or be enabled.
OURS = $(notdir $(INSTALL_UNITS))

# Configuration stays, unless it is as shipped.
uninstall:               ## remove what install has put in place
	@[ -n "$(DESTDIR)" ] || ! command -v systemctl >/dev/null || systemctl -q disable $(filter %.socket %.timer,$(OURS)) 2>/dev/null || :
	@[ -n "$(DESTDIR)" ] || [ ! -d /run/systemd/system ] || systemctl -q stop $(filter %.timer %.socket,$(OURS)) $(filter %.service,$(OURS)) 2>/dev/null || :
	rm -f $(PROGS:%=$(DESTDIR)$(SBINDIR)/%)
	rm -f $(foreach m,$(INSTALL_MANS),$(DESTDIR)$(MANDIR)/man$(patsubst .%,%,$(suffix $(m)))/$(notdir $(m)))
	rm -f $(INSTALL_UNITS:units/system/%=$(DESTDIR)$(SYSTEMD)/system/%)
	rm -f $(INSTALL_CATALOG:units/catalog/%=$(DESTDIR)$(SYSTEMD)/catalog/%)
	rm -f $(INSTALL_SYSUSERS:units/sysusers.d/%=$(DESTDIR)$(SYSUSERSDIR)/%)
	rm -f $(INSTALL_TMPFILES:units/tmpfiles.d/%=$(DESTDIR)$(TMPFILESDIR)/%)
	rm -rf $(DESTDIR)$(DOCDIR)
	$(foreach c,$(CONF_FILES),$(call uninstall_conf,$(lastword $(subst =, ,$(c)))))
	rm -rf $(DESTDIR)$(SHIPPEDDIR)
	@for d in $(CONFDIR)/lists.d $(CONFDIR) $(dir $(SHIPPEDDIR)); do \
		[ ! -d $(DESTDIR)$$d ] || rmdir --ignore-fail-on-non-empty $(DESTDIR)$$d; \
	done
	@[ -n "$(DESTDIR)" ] || [ ! -d /run/systemd/system ] || systemctl daemon-reload

.PHONY: install install-files install-activate uninstall
