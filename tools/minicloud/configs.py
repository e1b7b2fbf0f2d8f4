# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""The configuration files of the OpenStack services, as text."""

from collections.abc import Mapping
import configparser
import io
import shutil

from tools.minicloud.backends import database_url
from tools.minicloud.backends import transport_url
from tools.minicloud.lab import address
from tools.minicloud.lab import CONTROLLER
from tools.minicloud.lab import Lab
from tools.minicloud.lab import PORTS
from tools.minicloud.lab import REGION
from tools.minicloud.lab import secret
from tools.minicloud.lab import url
from tools.minicloud.lab import write

Section = Mapping[str, object]
Sections = Mapping[str, Section]

# Seconds until Nova itself calls a compute service down.
SERVICE_DOWN_SECONDS = 6
QUIET = (
    'amqp=WARN,amqplib=WARN,sqlalchemy=WARN,oslo.messaging=INFO,'
    'urllib3=WARN,keystoneauth=WARN,nova.virt.fake=ERROR'
)


def render(sections: Sections) -> str:
    """The text of an oslo.config file."""
    parser = configparser.RawConfigParser(default_section='-')
    parser.read_dict({name: dict(of) for name, of in sections.items()})
    out = io.StringIO()
    parser.write(out)
    return out.getvalue()


def client(lab: Lab, user: str) -> dict[str, object]:
    """How a service logs in to Keystone as its user."""
    return {
        'auth_type': 'password',
        'auth_url': url('keystone'),
        'username': user,
        'password': secret(lab, 'services'),
        'project_name': 'service',
        'user_domain_name': 'Default',
        'project_domain_name': 'Default',
        'region_name': REGION,
    }


def authtoken(lab: Lab, user: str) -> dict[str, object]:
    """How a service checks the tokens it is given."""
    return client(lab, user) | {
        'www_authenticate_uri': url('keystone'),
        'memcached_servers': f'{CONTROLLER}:{PORTS["memcached"]}',
        'service_token_roles_required': 'true',
        'service_token_roles': 'service',
    }


def messaging(lab: Lab) -> dict[str, Mapping[str, object]]:
    return {
        'oslo_messaging_rabbit': {'heartbeat_timeout_threshold': 60},
        'oslo_messaging_notifications': {'driver': 'noop'},
    }


def write_all(lab: Lab) -> None:
    """Write every file, fresh."""
    shutil.rmtree(lab.etc, ignore_errors=True)
    save(lab, 'keystone/keystone.conf', keystone(lab))
    save(lab, 'placement/placement.conf', placement(lab))
    save(lab, 'glance/glance-api.conf', glance(lab))
    save(lab, 'cinder/cinder.conf', cinder(lab))
    save(lab, 'neutron/neutron.conf', neutron(lab))
    for program in ('api', 'conductor', 'scheduler', 'manage'):
        save(
            lab,
            f'nova/nova-{program}.conf',
            nova(lab, f'nova-{program}', 'controller', CONTROLLER),
        )
    _hurry(lab)
    for host in lab.hosts:
        save(lab, f'nova/{host}.conf', compute(lab, host))
    write(lab.etc / 'nova' / 'api-paste.ini', paste(lab))


def _hurry(lab: Lab) -> None:
    """Let the scheduler look for new hosts at once, not within a minute."""
    program = 'nova-scheduler'
    sections = dict(nova(lab, program, 'controller', CONTROLLER))
    sections['DEFAULT'] = {**sections['DEFAULT'], 'periodic_fuzzy_delay': 0}
    save(lab, f'nova/{program}.conf', sections)


def save(lab: Lab, name: str, sections: Sections) -> None:
    write(lab.etc / name, render(sections), 0o600)


def log(lab: Lab, name: str) -> dict[str, object]:
    return {'log_file': lab.log / f'{name}.log'}


def keystone(lab: Lab) -> Sections:
    keys = lab.data / 'keystone'
    return {
        'DEFAULT': log(lab, 'keystone'),
        'database': {'connection': database_url(lab, 'keystone')},
        'token': {'provider': 'fernet', 'expiration': 86400},
        'fernet_tokens': {'key_repository': keys / 'fernet'},
        'credential': {'key_repository': keys / 'credential'},
        'identity': {'password_hash_rounds': 4},
        'cache': {'enabled': 'true', 'backend': 'oslo_cache.dict'},
    }


def placement(lab: Lab) -> Sections:
    return {
        'DEFAULT': log(lab, 'placement'),
        'placement_database': {'connection': database_url(lab, 'placement')},
        'api': {'auth_strategy': 'keystone'},
        'keystone_authtoken': authtoken(lab, 'placement'),
    }


def glance(lab: Lab) -> Sections:
    files = lab.data / 'glance'
    return {
        'DEFAULT': log(lab, 'glance')
        | {'enabled_backends': 'file:file', 'enabled_import_methods': '[]'},
        'database': {'connection': database_url(lab, 'glance')},
        'glance_store': {'default_backend': 'file'},
        'file': {'filesystem_store_datadir': files},
        'os_glance_staging_store': {
            'filesystem_store_datadir': files / 'staging'
        },
        'os_glance_tasks_store': {'filesystem_store_datadir': files / 'tasks'},
        'paste_deploy': {
            'flavor': 'keystone',
            'config_file': lab.venv / 'etc/glance/glance-api-paste.ini',
        },
        'keystone_authtoken': authtoken(lab, 'glance'),
    }


def cinder(lab: Lab) -> Sections:
    """Its API, its scheduler, and the one that has Ceph behind it."""
    state = lab.data / 'cinder'
    return {
        'DEFAULT': log(lab, 'cinder')
        | {
            'host': 'controller',
            'my_ip': CONTROLLER,
            'transport_url': transport_url(lab),
            'state_path': state,
            'api_paste_config': lab.venv / 'etc/cinder/api-paste.ini',
            'resource_query_filters_file': (
                lab.venv / 'etc/cinder/resource_filters.json'
            ),
            'glance_api_servers': url('glance'),
            'enabled_backends': 'ceph',
            # A scheduler that missed the first word hears the next soon.
            'backend_stats_polling_interval': 5,
            'default_log_levels': QUIET,
        },
        'ceph': {
            'volume_driver': 'cinder.volume.drivers.rbd.RBDDriver',
            'volume_backend_name': 'ceph',
            'rbd_pool': 'volumes',
            'rbd_ceph_conf': lab.etc / 'ceph.conf',
            'rbd_exclusive_cinder_pool': 'true',
        },
        'database': {'connection': database_url(lab, 'cinder')},
        'cinder_sys_admin': _privileges(lab, 'cinder/cinder.conf'),
        'oslo_concurrency': {'lock_path': state / 'lock'},
        'coordination': {'backend_url': f'file://{state}/lock'},
        'keystone_authtoken': authtoken(lab, 'cinder'),
        'nova': client(lab, 'cinder'),
        'service_user': client(lab, 'cinder')
        | {'send_service_user_token': 'true'},
        **messaging(lab),
    }


def neutron(lab: Lab) -> Sections:
    return {
        'DEFAULT': log(lab, 'neutron')
        | {
            'state_path': lab.data / 'neutron',
            'api_paste_config': lab.venv / 'etc/neutron/api-paste.ini',
            'core_plugin': 'ml2',
            'service_plugins': '',
            'auth_strategy': 'keystone',
            'transport_url': transport_url(lab),
            'notify_nova_on_port_status_changes': 'false',
            'notify_nova_on_port_data_changes': 'false',
            'dhcp_agent_notification': 'false',
            'rpc_workers': 0,
            'rpc_state_report_workers': 0,
        },
        'database': {'connection': database_url(lab, 'neutron')},
        'oslo_concurrency': {'lock_path': lab.data / 'neutron/lock'},
        'quotas': {
            'quota_network': -1,
            'quota_subnet': -1,
            'quota_port': -1,
        },
        'ml2': {
            'type_drivers': 'local',
            'tenant_network_types': 'local',
            'mechanism_drivers': 'minicloud',
            'extension_drivers': '',
        },
        'keystone_authtoken': authtoken(lab, 'neutron'),
        'placement': client(lab, 'placement'),
        **messaging(lab),
    }


def nova(lab: Lab, program: str, host: str, my_ip: str) -> Sections:
    state = lab.data / 'nova' / host
    return {
        'DEFAULT': log(lab, program)
        | {
            'host': host,
            'my_ip': my_ip,
            'transport_url': transport_url(lab),
            'state_path': state,
            'service_down_time': SERVICE_DOWN_SECONDS,
            'report_interval': 2,
            'vif_plugging_is_fatal': 'false',
            'vif_plugging_timeout': 0,
            'resume_guests_state_on_host_boot': 'false',
            'default_log_levels': QUIET,
        },
        'api': {'auth_strategy': 'keystone'},
        'wsgi': {'api_paste_config': lab.etc / 'nova/api-paste.ini'},
        # A new compute host is found without nova-manage.
        'scheduler': {'workers': 1, 'discover_hosts_in_cells_interval': 2},
        # Equal hosts share the load instead of the first taking it all.
        'filter_scheduler': {'shuffle_best_same_weighed_hosts': 'true'},
        'conductor': {'workers': 1},
        'api_database': {'connection': database_url(lab, 'nova_api')},
        'database': {'connection': database_url(lab, 'nova')},
        'quota': {'instances': -1, 'cores': -1, 'ram': -1},
        'oslo_concurrency': {'lock_path': state / 'lock'},
        'glance': {'api_servers': url('glance')},
        'vnc': {'enabled': 'false'},
        'keystone_authtoken': authtoken(lab, 'nova'),
        'placement': client(lab, 'nova'),
        'neutron': client(lab, 'nova'),
        'cinder': client(lab, 'nova')
        | {'catalog_info': 'block-storage::publicURL'},
        'service_user': client(lab, 'nova')
        | {'send_service_user_token': 'true'},
        **messaging(lab),
        # HASS listens; whatever becomes of them, Nova does not wait.
        'oslo_messaging_notifications': {'driver': 'messagingv2', 'retry': 0},
        'notifications': {
            'notification_format': 'versioned',
            'versioned_notifications_topics': 'hass_versioned_notifications',
            'notify_on_state_change': 'vm_state',
        },
    }


def compute(lab: Lab, host: str) -> Sections:
    """A compute host knows no database."""
    sections = dict(nova(lab, f'nova-{host}', host, address(host)))
    del sections['api_database'], sections['database']
    state = lab.host(host) / 'nova'
    sections['DEFAULT'] = dict(sections['DEFAULT']) | {
        'state_path': state,
        'instances_path': state / 'instances',
        'compute_driver': 'minicloud.LedgerDriver',
        'reserved_host_memory_mb': 0,
        'bandwidth_poll_interval': -1,
        'update_resources_interval': 30,
    }
    sections['oslo_concurrency'] = {'lock_path': state / 'lock'}
    sections['compute'] = {'live_migration_wait_for_vif_plug': 'false'}
    return _with_libvirt(lab, host, sections) if lab.guests else sections


def _with_libvirt(
    lab: Lab, host: str, sections: dict[str, Section]
) -> Sections:
    """Real guests; their disks are raw, for the oracle to read."""
    sections['DEFAULT'] = dict(sections['DEFAULT']) | {
        'instances_path': lab.instances,
        'compute_driver': 'minicloud_libvirt.GuestDriver',
        'reserved_host_disk_mb': 0,
        'pointer_model': 'ps2mouse',
        # A tiny guest knows no power button.
        'shutdown_timeout': 3,
    }
    sections['libvirt'] = {
        'virt_type': 'qemu',
        'cpu_mode': 'custom',
        'cpu_models': 'qemu64',
        'images_type': 'raw',
        'hw_machine_type': 'x86_64=pc',
        'mem_stats_period_seconds': 0,
        'wait_soft_reboot_seconds': 3,
        'tb_cache_size': 32,
        'live_migration_scheme': 'tcp',
        'live_migration_inbound_addr': address(host),
    }
    sections['os_brick'] = {'lock_path': lab.host(host) / 'nova' / 'lock'}
    for group in (
        'nova_sys_admin',
        'privsep_osbrick',
        'vif_plug_ovs_privileged',
    ):
        sections[group] = _privileges(lab, f'nova/{host}.conf')
    return sections


def _privileges(lab: Lab, config: str) -> Section:
    """How a service that is root starts its helper, without rootwrap."""
    helper = lab.venv / 'bin/privsep-helper'
    return {'helper_command': f'{helper} --config-file {lab.etc / config}'}


def paste(lab: Lab) -> str:
    """Nova's own pipelines, with our filter right before the API."""
    text = (lab.venv / 'etc/nova/api-paste.ini').read_text()
    inner = 'keystonecontext osapi_compute_app_v21'
    return (
        text.replace(inner, f'keystonecontext minicloud {inner.split()[1]}')
        + '\n[filter:minicloud]\n'
        'paste.filter_factory = minicloud_parts.apifilter:factory\n'
        f'run_folder = {lab.run}\n'
    )
