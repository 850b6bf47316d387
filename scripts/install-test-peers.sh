#!/usr/bin/env bash
# Installs the real programs that some tests run against, without leaving their services running: twemproxy, etcd
# and PostgreSQL.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi
# the tests make their own databases; Debian's package would make one of the machine's
clusters=/etc/postgresql-common/createcluster.d
if [ ! -e /usr/share/postgresql-common ]; then
  mkdir -p "$clusters" && echo 'create_main_cluster = false' >"$clusters/cachectl-tests.conf"
fi
apt-get update -qq
apt-get install -y -qq --no-install-recommends nutcracker etcd-server postgresql >/dev/null
