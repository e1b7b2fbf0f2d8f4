#!/bin/bash
#
# chassis.sh FOLDER get power | set power 0|1 | set reset 1 | check ...
#
# What the simulated BMC of a devstack node does to it. The machine that it
# switches is the compute service, the HASS agent and all guests: devstack
# itself stays on. It calls itself off only when no guest is left.

readonly FOLDER=$1
readonly UNITS='devstack@hass-agent.service devstack@n-cpu.service'
shift

function cut_power {
    local unit guest left
    for unit in $UNITS; do
        # Not stop: an agent that is stopped says goodbye.
        systemctl kill --signal=KILL $unit
    done
    for guest in $(virsh list --uuid); do
        virsh destroy $guest
    done
    left=$(virsh list --uuid) || return 1
    if [[ -n $left ]] || systemctl --quiet is-active $UNITS; then
        return 1
    fi
    rm -f $FOLDER/on
}

function give_power {
    [[ ! -e $FOLDER/on ]] || return 0
    cat /proc/sys/kernel/random/uuid >$FOLDER/boot_id
    touch $FOLDER/on
    # nova-compute waits for the gate, and the BMC must not.
    systemctl start --no-block $UNITS
}

case "$1 $2" in
    'get power')
        [[ -e $FOLDER/on ]] && echo power:1 || echo power:0
        ;;
    'get '*)
        shift
        for name in "$@"; do
            echo "$name:default"
        done
        ;;
    'set power')
        if [[ $3 == 0 ]]; then
            cut_power >&2
        else
            give_power >&2
        fi
        ;;
    'set reset')
        cut_power >&2 && give_power >&2
        ;;
    'set shutdown')
        cut_power >&2
        ;;
esac
