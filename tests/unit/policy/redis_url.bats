# SPDX-License-Identifier: ISC

load ../../helpers/common

@test "hosts ports and databases" {
	run_case policy/redis_url_test hosts_ports_and_databases
}

@test "users and passwords" {
	run_case policy/redis_url_test users_and_passwords
}

@test "unix sockets" {
	run_case policy/redis_url_test unix_sockets
}

@test "what is no url is refused" {
	run_case policy/redis_url_test what_is_no_url_is_refused
}

@test "limits are exact" {
	run_case policy/redis_url_test limits_are_exact
}

@test "is shown without its secret" {
	run_case policy/redis_url_test is_shown_without_its_secret
}

@test "redis_url: passwords as they are" {
	run_case policy/redis_url_test passwords_as_they_are
}

@test "redis_url: other spellings" {
	run_case policy/redis_url_test other_spellings
}

@test "every case has a test" {
	all_cases_listed policy/redis_url_test
}
