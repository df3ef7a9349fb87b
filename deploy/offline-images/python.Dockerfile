# Stand-in for python:3.13-slim: Debian's Python under the names and paths of the official image.
FROM stillpoint/offline-base:trixie
# Whatever the release holds: a stand-in is rebuilt, not reproduced.
# hadolint ignore=DL3008
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends python3 python3-pip python3-venv \
 && rm -rf /var/lib/apt/lists/* /usr/lib/python3*/EXTERNALLY-MANAGED \
 && ln -s /usr/bin/python3.13 /usr/local/bin/python3.13 \
 && ln -s /usr/bin/python3.13 /usr/local/bin/python3 \
 && ln -s /usr/bin/python3.13 /usr/local/bin/python \
 && ln -s /usr/bin/pip3 /usr/local/bin/pip
CMD ["python3"]
