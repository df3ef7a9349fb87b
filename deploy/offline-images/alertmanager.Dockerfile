# Stand-in for prom/alertmanager: Debian's Alertmanager with the official image's user, paths and entry point.
FROM stillpoint/offline-base:trixie
# Whatever the release holds: a stand-in is rebuilt, not reproduced.
# hadolint ignore=DL3008
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends busybox prometheus-alertmanager \
 && rm -rf /var/lib/apt/lists/* \
 && ln -s /usr/bin/busybox /usr/local/bin/wget \
 && ln -s /usr/bin/prometheus-alertmanager /usr/local/bin/alertmanager \
 && install -d -o nobody -g nogroup /alertmanager /etc/alertmanager
USER 65534
WORKDIR /alertmanager
VOLUME /alertmanager
EXPOSE 9093
ENTRYPOINT ["/usr/local/bin/alertmanager"]
CMD ["--config.file=/etc/alertmanager/alertmanager.yml", "--storage.path=/alertmanager"]
