#!/usr/bin/env bash
# Gets what the tests need beside Python: servers, Prometheus' tools, a browser, and the pinned Node libraries.
#
# On Debian as root it installs what is missing and starts none of it; elsewhere it says what to install.
# Where something stays missing, the tests that need it are skipped; with CI set, that is an error.
set -euo pipefail
cd "$(dirname "$0")"
PATH="$PATH:/usr/sbin"  # where Debian keeps nginx, and where not everybody looks

# program:package of Debian
needs=(redis-server:redis-server promtool:prometheus amtool:prometheus-alertmanager chromium:chromium openssl:openssl faketime:faketime nginx:nginx)
oldest_node=20

missing() {
  for need in "${needs[@]}"; do
    command -v "${need%%:*}" >/dev/null || echo "${need##*:}"
  done
}

on_debian_as_root() {
  [ "$(id -u)" = 0 ] && [ -r /etc/os-release ] && [ "$(. /etc/os-release && echo "${ID:-}")" = debian ]
}

install_packages() {
  echo "setup: installing $*"
  local policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    # Debian starts a service with its package; the tests start servers of their own.
    trap "rm -f $policy" EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends -o Dpkg::Use-Pty=0 "$@" >/dev/null
}

lacking() {
  echo "setup: $1" >&2
  if [ -n "${CI:-}" ]; then
    exit 1
  fi
}

packages=$(missing)
if [ -n "$packages" ] && on_debian_as_root; then
  install_packages $packages
  packages=$(missing)
fi
if [ -n "$packages" ]; then
  lacking "missing; as root on Debian or Ubuntu: apt-get install $(echo $packages); elsewhere the packages of the same names"
fi

node_version=$(node --version 2>/dev/null || echo none)
node_major=${node_version#v}
node_major=${node_major%%.*}
if [ "$node_version" != none ] && [ "$node_major" -ge "$oldest_node" ] && command -v npm >/dev/null; then
  node/install.sh
else
  lacking "Node is $node_version; install Node $oldest_node or newer with npm: https://nodejs.org/en/download"
fi
