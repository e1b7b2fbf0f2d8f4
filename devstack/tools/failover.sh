#!/bin/bash
#
# failover.sh protect HOST | wait HOST
#
# What the job of two compute nodes does on its controller: boot an instance
# from a volume on HOST and protect it; wait until it is back elsewhere.

readonly SERVER=hass-failover
readonly SECONDS_TO_WAIT=600
export OS_CLOUD=devstack-admin

set -o errexit -o nounset -o pipefail

function hass_api {
    local url token
    url=$(openstack catalog show ha -f json | python3 -c '
import json, sys
found = json.load(sys.stdin)["endpoints"]
print(next(one["url"] for one in found if one["interface"] == "public"))')
    token=$(openstack token issue -f value -c id)
    # The token comes by a file descriptor: every user can read a command.
    curl --silent --show-error --fail-with-body --insecure \
        --header @<(echo "X-Auth-Token: $token") \
        --header 'Content-Type: application/json' \
        --request $1 "$url$2" "${@:3}"
}

function show {
    openstack server show $SERVER -f value -c "$1"
}

function protect {
    local image network uuid
    image=$(openstack image list --status active -f value -c Name | grep -m 1 cirros)
    network=$(openstack network show private -f value -c id)
    openstack --os-compute-api-version 2.74 server create --wait \
        --host $1 --flavor cirros256 --image $image --boot-from-volume 1 \
        --nic net-id=$network $SERVER
    uuid=$(show id)
    hass_api POST /v1/instances --data "{\"uuid\": \"$uuid\"}"
}

function await_elsewhere {
    local deadline
    deadline=$((SECONDS + SECONDS_TO_WAIT))
    while (( SECONDS < deadline )); do
        if [[ $(show OS-EXT-SRV-ATTR:host) != "$1" && $(show status) == ACTIVE ]]; then
            hass_api GET /v1/recoveries
            return
        fi
        sleep 2
    done
    hass_api GET /v1/recoveries
    echo "the instance is not back after $SECONDS_TO_WAIT s" >&2
    return 1
}

case "$1" in
    protect) protect $2 ;;
    wait) await_elsewhere $2 ;;
esac
