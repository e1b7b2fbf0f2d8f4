#!/bin/bash
#
# stand_ins.sh PHASE... - run the plugin as stack.sh does, without devstack
#
# The functions below have the names of devstack's. They write down in
# $CALLS how they were called, and do what the plugin needs of them.

function record {
    echo "$*" >>$CALLS
}

function is_service_enabled {
    local service
    for service in "$@"; do
        [[ ,$ENABLED_SERVICES, == *,$service,* ]] && return 0
    done
    return 1
}

function enable_service {
    record enable_service "$@"
}

function trueorfalse {
    local value=${!2:-$1}
    echo $value
}

function iniset {
    [[ $# -eq 4 ]] || { echo "iniset takes four arguments: $*"; exit 1; }
    printf '[%s]\n%s = %s\n' "$2" "$3" "$4" >>$1
}

function iniset_rpc_backend {
    iniset $2 $3 transport_url \
        rabbit://$RABBIT_USERID:$RABBIT_PASSWORD@$TEST_RABBIT/$4
}

function rpc_backend_add_vhost {
    rabbitmqctl add_vhost $1
    rabbitmqctl set_permissions -p $1 $RABBIT_USERID '.*' '.*' '.*'
}

function configure_keystoneauth {
    iniset $1 $3 auth_type password
    iniset $1 $3 interface public
    iniset $1 $3 auth_url http://$SERVICE_HOST/identity
    iniset $1 $3 username $2
    iniset $1 $3 password $SERVICE_PASSWORD
    iniset $1 $3 user_domain_name Default
    iniset $1 $3 project_name service
    iniset $1 $3 project_domain_name Default
}

function configure_keystone_authtoken_middleware {
    configure_keystoneauth $1 $2 $3
    iniset $1 $3 service_type $4
}

function database_connection_url {
    echo $TEST_DATABASE_URL
}

function get_python_exec_prefix {
    echo $TEST_BIN_DIR
}

function openstack {
    record openstack "$@"
    echo $TEST_TOKEN
}

function test_with_retry {
    sh -c "$1" || die 0 "$2"
}

function run_process {
    if is_service_enabled $1; then
        record run_process "$@"
    fi
}

function die {
    echo "$2" >&2
    exit 1
}

function sudo {
    "$@"
}

function which {
    echo /usr/bin/$1
}

for name in create_service_user echo_summary get_or_create_endpoint \
        get_or_create_service install_apache_uwsgi recreate_database \
        remove_uwsgi_config setup_develop setup_logging stop_process \
        wait_for_service write_uwsgi_config; do
    eval "function $name { record $name \"\$@\"; }"
done

set -o errexit -o nounset

DATA_DIR=$TEST_DIR/data
DATABASE_TYPE=mysql
DEST=$TEST_DIR
ENABLE_DEBUG_LOG_LEVEL=True
HASS_CONF_DIR=$TEST_DIR/etc
NOVA_CONF=/etc/nova/nova.conf
NOVA_INSTANCES_PATH=$DATA_DIR/nova/instances
RABBIT_PASSWORD=${TEST_RABBIT_PASSWORD:-a-password-of-rabbit}
RABBIT_USERID=${TEST_RABBIT_USERID:-stackrabbit}
REGION_NAME=RegionOne
SERVICE_LISTEN_ADDRESS=0.0.0.0
SERVICE_PASSWORD=a-password-of-devstack
SERVICE_PROTOCOL=http
SERVICE_TIMEOUT=60
SSL_BUNDLE_FILE=
STACK_USER=$(id -un)
SYSTEMCTL="record systemctl"
SYSTEMD_DIR=$TEST_DIR/systemd
mkdir -p $DATA_DIR $SYSTEMD_DIR

source $HASS_DIR/devstack/settings
for phase in "$@"; do
    source $HASS_DIR/devstack/plugin.sh $phase
done
