#!/bin/bash
#
# The HASS plugin of devstack: what happens in which phase.

# Save trace setting
_XTRACE_HASS_PLUGIN=$(set +o | grep xtrace)
set +o xtrace

source $HASS_DIR/devstack/lib/hass

if is_service_enabled hass-api hass-engine hass-agent hass-bmc; then
    case "$1 ${2:-}" in
        'stack install')
            echo_summary "Installing HASS"
            install_hass
            ;;
        'stack post-config')
            echo_summary "Configuring HASS"
            configure_hass
            create_hass_accounts
            create_hass_bus
            init_hass
            ;;
        'stack extra')
            echo_summary "Starting HASS"
            start_hass
            ;;
        'stack test-config')
            # nova-compute is up by now, and a host must be up to be added.
            echo_summary "Protecting this host by HASS"
            join_hass
            ;;
        'unstack ')
            stop_hass
            ;;
        'clean ')
            cleanup_hass
            ;;
    esac
fi

# Restore trace setting
$_XTRACE_HASS_PLUGIN
