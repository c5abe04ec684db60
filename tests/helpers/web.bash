# SPDX-License-Identifier: ISC
# A web server of a test's own: nginx on loopback, with TLS from an authority
# that the test makes.  `load ../helpers/daemon` before it.
#
# start_web DIR: serves DIR/www; sets WEB (https://...) and WEB_PLAIN (http://);
# DIR/ca.pem is its authority.  Each request is a line of DIR/access:
# "STATUS METHOD PATH USER-AGENT".  What is special:
#   /hop      redirects to /list.txt        /loop   redirects to itself
#   /plain    redirects from TLS to none    /busy   429, Retry-After: 7200
#   /packed/  files are sent as Content-Encoding: gzip
#   /geoip/   asks for user 7, password key, as MaxMind's does
#   /mine/    asks for user me, password s3cr3t
#   /token    asks for ?token=t0k3n      /header  asks for X-Api-Key: h3ad3r
#   /away     redirects to another server, WEB_OTHER, which serves DIR/www, too, and
#             writes the headers with secrets that it gets to DIR/other
#   /304      says "not modified" to everybody

start_web() {
	local dir=$1
	mkdir -p "$dir/www/packed" "$dir/nginx"
	WEB_TLS_PORT=$(free_port) WEB_PORT=$(free_port)
	WEB_OTHER_PORT=$(free_port)
	while [ "$WEB_PORT" = "$WEB_TLS_PORT" ]; do WEB_PORT=$(free_port); done
	while [ "$WEB_OTHER_PORT" = "$WEB_TLS_PORT" ] ||
		[ "$WEB_OTHER_PORT" = "$WEB_PORT" ]; do
		WEB_OTHER_PORT=$(free_port)
	done
	WEB_OTHER=https://127.0.0.1:$WEB_OTHER_PORT
	WEB=https://127.0.0.1:$WEB_TLS_PORT WEB_PLAIN=http://127.0.0.1:$WEB_PORT
	make_authority "$dir" || return
	printf '7:%s\nme:%s\n' "$(openssl passwd -apr1 key)" \
		"$(openssl passwd -apr1 s3cr3t)" >"$dir/nginx/passwords"
	web_config "$dir" >"$dir/nginx/nginx.conf"
	start_daemon nginx nginx -p "$dir/nginx" -c "$dir/nginx/nginx.conf" \
		-e "$dir/nginx/error.log" -g 'daemon off; master_process off;'
	wait_for_port nginx "$WEB_TLS_PORT"
	wait_for_port nginx "$WEB_PORT"
}

# An authority, and a certificate of 127.0.0.1 by it, in DIR.
make_authority() {
	local dir=$1
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-days 2 -subj "/CN=test authority" -keyout "$dir/ca.key" \
		-out "$dir/ca.pem" 2>/dev/null &&
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
			-subj "/CN=127.0.0.1" -keyout "$dir/web.key" \
			-out "$dir/web.csr" 2>/dev/null &&
		openssl x509 -req -in "$dir/web.csr" -CA "$dir/ca.pem" \
			-CAkey "$dir/ca.key" -CAcreateserial -days 2 \
			-extfile <(echo subjectAltName=IP:127.0.0.1) \
			-out "$dir/web.pem" 2>/dev/null
}

web_config() {
	local dir=$1
	cat <<-END
		user root;
		pid $dir/nginx/pid;
		events {}
		http {
			log_format short '\$status \$request_method \$uri \$http_user_agent';
			log_format secrets '[\$http_authorization|\$http_x_api_key|\$http_referer|\$http_cookie|\$request_uri]';
			access_log $dir/access short;
			client_body_temp_path $dir/nginx/body;
			proxy_temp_path $dir/nginx/proxy;
			fastcgi_temp_path $dir/nginx/fastcgi;
			uwsgi_temp_path $dir/nginx/uwsgi;
			scgi_temp_path $dir/nginx/scgi;
			server {
				listen 127.0.0.1:$WEB_PORT;
				listen 127.0.0.1:$WEB_TLS_PORT ssl;
				ssl_certificate $dir/web.pem;
				ssl_certificate_key $dir/web.key;
				root $dir/www;
				location = /hop { return 302 /list.txt; }
				location = /loop { return 302 /loop; }
				location = /plain { return 302 $WEB_PLAIN/list.txt; }
				location = /busy {
					add_header Retry-After 7200 always;
					return 429;
				}
				location = /away { return 302 $WEB_OTHER/list.txt; }
				location = /304 { return 304; }
				location = /token {
					if (\$arg_token != t0k3n) { return 403; }
					try_files /list.txt =404;
				}
				location = /header {
					if (\$http_x_api_key != h3ad3r) { return 403; }
					try_files /list.txt =404;
				}
				location /mine/ {
					auth_basic secret;
					auth_basic_user_file $dir/nginx/passwords;
				}
				location /packed/ { add_header Content-Encoding gzip; }
				location /geoip/ {
					auth_basic secret;
					auth_basic_user_file $dir/nginx/passwords;
				}
			}
			server {
				listen 127.0.0.1:$WEB_OTHER_PORT ssl;
				ssl_certificate $dir/web.pem;
				ssl_certificate_key $dir/web.key;
				root $dir/www;
				access_log $dir/other secrets;
			}
		}
	END
}
