# The gateway: Caddy with our configuration, as a user without rights. It listens above port 1024, so the binary
# needs no capability, and one that it may not have would keep it from starting.
FROM caddy:2
RUN setcap -r /usr/bin/caddy \
 && mkdir -p /data/caddy /config/caddy \
 && chown -R 10001:10001 /data /config
COPY deploy/Caddyfile /etc/caddy/Caddyfile
USER 10001:10001
RUN caddy adapt --config /etc/caddy/Caddyfile > /dev/null
EXPOSE 8080 8443
