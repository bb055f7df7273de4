# install.sh "SERVICE..." PACKAGE...
# Installs the Debian packages, as root, and keeps their services from starting:
# now, since whatever starts one asks policy-rc.d, and an exit code of 101
# forbids it; and at the next boot, by disabling them. A policy that the owner
# of the machine has made stays as it is; one that an earlier run of this script
# was killed over is known by its mark and removed like our own.
# PostgreSQL's packages would make a database cluster too, and the one service of
# all clusters would start it at every boot. That service isn't disabled, since
# the owner may have clusters of other versions; there is just none of ours.
set -eu
services=$1
shift
policy=${POLICY:-/usr/sbin/policy-rc.d} # another one in a test
clusters=${CLUSTERS:-/etc/postgresql-common/createcluster.d} # likewise
mark='# made by designkits for the time of one apt-get'
ours=
trap 'rm -f $ours' EXIT
trap 'exit 130' HUP INT TERM
if [ ! -e "$policy" ] || grep -qF "$mark" "$policy"; then
	ours=$policy
	printf '#!/bin/sh\n%s\nexit 101\n' "$mark" >"$policy"
	chmod 755 "$policy"
fi
case " $*" in *" postgresql-"*)
	ours="$ours $clusters/designkits.conf"
	mkdir -p "$clusters"
	printf '%s\ncreate_main_cluster = false\n' "$mark" >"$clusters/designkits.conf"
	;;
esac
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
get() {
	apt-get -o Acquire::Retries=2 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 \
		-o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 "$@" </dev/null
}
# Only a machine whose package lists are missing or old needs the update.
get install -y --no-install-recommends "$@" || {
	echo '--- once more, with fresh package lists'
	get update
	get install -y --no-install-recommends "$@"
}
for service in $services; do
	if command -v systemctl >/dev/null; then
		systemctl disable "$service" || echo "the service $service will start at the next boot"
	fi
done
