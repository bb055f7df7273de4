# entry.sh PROGRAM
# The entry point of a case's process in a container. Each secret that GENERATED
# names and the environment doesn't bring is made here, once, and kept in the
# volume /secrets, which all replicas share: `ln` succeeds for the first of them.
set -eu
for name in ${GENERATED:-}; do
	eval "value=\${$name:-}"
	if [ -z "$value" ]; then
		file=${SECRETS:-/secrets}/$name
		if [ ! -s "$file" ]; then
			umask 077
			mine=$(mktemp "$file.XXXXXX")
			od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"$mine"
			ln "$mine" "$file" 2>/dev/null || true
			rm -f "$mine"
		fi
		value=$(cat "$file")
		export "$name=$value"
	fi
done
exec "$@"
