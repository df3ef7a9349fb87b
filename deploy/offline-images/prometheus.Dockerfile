# Stand-in for prom/prometheus: Debian's Prometheus with the official image's user, paths and entry point.
FROM stillpoint/offline-base:trixie
# Whatever the release holds: a stand-in is rebuilt, not reproduced.
# hadolint ignore=DL3008
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends busybox prometheus \
 && rm -rf /var/lib/apt/lists/* /etc/prometheus \
 && ln -s /usr/bin/busybox /usr/local/bin/wget \
 && install -d -o nobody -g nogroup /prometheus /etc/prometheus
USER 65534
WORKDIR /prometheus
VOLUME /prometheus
EXPOSE 9090
ENTRYPOINT ["/bin/prometheus"]
CMD ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"]
