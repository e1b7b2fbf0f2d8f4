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

"""The form that a value of an option must have, in words."""

import re

from oslo_config import cfg
from oslo_config import types

_PYTHONS = {
    'invalid literal for int() with base 10: ': 'not a whole number: ',
    'could not convert string to float: ': 'not a number: ',
    'Unexpected boolean value ': 'neither true nor false: ',
}


class Form(types.String):
    """A text of one form; who reads of it is not shown the pattern.

    :param pattern: the whole text fits it
    :param words: the same, to go on after "must be"
    """

    def __init__(self, pattern: str, words: str) -> None:
        super().__init__()
        self._pattern = re.compile(pattern)
        self._words = words

    def __call__(self, value: object) -> str:
        text: str = super().__call__(value)
        if not self._pattern.fullmatch(text):
            raise ValueError(f'{text!r} has another form')
        return text

    def __repr__(self) -> str:
        return self._words


def of(option: cfg.Opt) -> str:
    """What an option takes, to go on after "must be"."""
    if isinstance(option, cfg.MultiOpt):
        return f'{_of(option.type)}; of several, each in a line of its own'
    return _of(option.type)


def plain(error: Exception) -> str:
    """Why a value was refused, without words of Python."""
    reason = str(error).rpartition('is not valid: ')[2]
    for python, words in _PYTHONS.items():
        reason = reason.replace(python, words)
    return reason


def _of(kind: types.ConfigType) -> str:
    match kind:
        case types.List():
            return f'{_of(kind.item_type)}; of several, commas between them'
        case types.Dict():
            return 'key:value; of several, commas between them'
        case types.Boolean():
            return 'true or false'
        case types.Integer():
            return f'a whole number{_range(kind)}'
        case types.Number():
            return f'a number{_range(kind)}'
        case types.HostAddress():
            return 'an IP address or a host name'
        case types.String(choices=choices) if choices:
            return f'one of {", ".join(map(str, choices))}'
        case types.String(max_length=most) if most:
            return f'a text of {most} characters at most'
        case Form() | _:
            return str(kind)


def _range(kind: types.Number) -> str:
    if kind.min is None and kind.max is None:
        return ''
    if kind.max is None:
        return f' from {kind.min} on'
    if kind.min is None:
        return f' up to {kind.max}'
    return f' from {kind.min} to {kind.max}'
