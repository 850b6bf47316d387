#!/usr/bin/env bash
# Installs the real programs that some tests run against, without leaving their services running: twemproxy, etcd,
# PostgreSQL and Valkey.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
backports=/etc/apt/sources.list.d/cachectl-tests-backports.list
temporary=("$backports")
trap 'rm -f "${temporary[@]}"' EXIT
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy"
  temporary+=("$policy")
fi
# the tests make their own databases; Debian's package would make one of the machine's
clusters=/etc/postgresql-common/createcluster.d
if [ ! -e /usr/share/postgresql-common ]; then
  mkdir -p "$clusters" && echo 'create_main_cluster = false' >"$clusters/cachectl-tests.conf"
fi
apt-get update -qq
apt-get install -y -qq --no-install-recommends nutcracker etcd-server postgresql >/dev/null

# Debian has Valkey from 13 on, before that in its backports, which are asked for this package alone
valkey_backports() {
  . /etc/os-release
  archive=$(apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' "Release: $VERSION_CODENAME" | head -n 1)
  echo "deb $archive $VERSION_CODENAME-backports main" >"$backports"
  apt-get update -qq
}
apt-cache show valkey-tools >/dev/null 2>&1 || valkey_backports ||
  echo 'No package of Valkey: what is tested on Valkey too is tested on Redis only.' >&2
if apt-cache show valkey-tools >/dev/null 2>&1; then
  apt-get install -y -qq --no-install-recommends valkey-tools >/dev/null
fi
