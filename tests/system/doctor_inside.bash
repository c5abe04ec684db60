# SPDX-License-Identifier: ISC
# tarpitctl doctor under a real systemd; runs inside of the container, after
# inside.bash.

# doctor HEADING: what it finds now.
doctor() {
	local status=0
	echo "== $1"
	tarpitctl doctor 2>&1 || status=$?
	echo "exit $status"
}

doctor_of_units() {
	install_tarpit
	install_postfix
	# Nothing can be fetched here.
	rm /etc/tarpit/lists.d/known-senders.conf
	mkdir -p /etc/tarpit/policy.conf.d
	printf '[Weights]\nlist.known-senders=0\nlist.drop=0\n' \
		>/etc/tarpit/policy.conf.d/test.conf
	systemctl start tarpit-lists.service
	systemctl enable --now tarpitd.socket tarpit-lists.timer 2>/dev/null
	doctor well
	systemctl stop tarpit-lists.timer
	doctor timer
	systemctl start tarpit-lists.timer
	echo '# changed' >>/usr/local/lib/systemd/system/tarpit-policyd.service
	doctor changed
	systemctl daemon-reload
	printf '[Service]\nExecStart=\nExecStart=/bin/false\n' | install -D \
		/dev/stdin /etc/systemd/system/tarpit-lists.service.d/false.conf
	systemctl daemon-reload
	systemctl start tarpit-lists.service 2>/dev/null || :
	doctor failed
	rm -r /etc/systemd/system/tarpit-lists.service.d \
		/etc/systemd/system/tarpitd.service.d
	systemctl daemon-reload
	systemctl reset-failed
	systemctl restart tarpitd
	doctor rights
	systemctl stop tarpitd.socket tarpitd.service
	postconf -M smtp/inet='smtp inet n - n - - smtpd'
	postfix reload
	wait_until 'exec 9<>/dev/tcp/127.0.0.1/25'
	doctor foreign
}
