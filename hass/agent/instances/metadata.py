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

"""Whether a domain is an instance of Nova's, by its own description."""

from xml.etree import ElementTree

NAMESPACE = 'http://openstack.org/xmlns/libvirt/nova/'
"""Nova appends a version."""
PRODUCT = 'OpenStack Nova'
MAX_CHARACTERS = 1024 * 1024


def is_of_nova(xml: str) -> bool:
    """Whether Nova has written it; what is missing or broken is not."""
    root = parse(xml)
    return root is not None and is_signed(root)


def parse(xml: str) -> ElementTree.Element | None:
    """A domain's XML; None: it is missing, broken or far too long."""
    if len(xml) > MAX_CHARACTERS:
        return None
    try:
        # It comes from libvirt, which has parsed and written it anew.
        return ElementTree.fromstring(xml)  # noqa: S314
    except ElementTree.ParseError:
        return None


def is_signed(root: ElementTree.Element) -> bool:
    """Whether Nova has written it.

    Nova puts an ``instance`` of its namespace into the metadata, and its
    name into sysinfo.
    """
    return _has_metadata(root) or _has_product(root)


def _has_metadata(root: ElementTree.Element) -> bool:
    return any(
        child.tag.startswith(f'{{{NAMESPACE}')
        for child in root.iterfind('metadata/*')
    )


def _has_product(root: ElementTree.Element) -> bool:
    return any(
        entry.get('name') == 'product' and entry.text == PRODUCT
        for entry in root.iterfind('sysinfo/system/entry')
    )
