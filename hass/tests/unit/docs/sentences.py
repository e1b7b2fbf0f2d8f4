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

"""Reads out of the source what HASS may say to an operator.

A sentence of the source is an f-string, as a rule. What varies in it is
written as … here.
"""

import ast
from collections.abc import Iterator
import functools
import pathlib
import re

HASS = pathlib.Path(__file__).parents[3]
ANY = '…'


@functools.cache
def tree(module):
    """A module of hass/, parsed: recovery/runner, as an example."""
    return ast.parse((HASS / f'{module}.py').read_text())


def modules(folder):
    """The modules of a folder of hass/."""
    found = sorted((HASS / folder).glob('*.py'))
    return [f'{folder}/{path.stem}' for path in found]


def sentence(module, node):
    """What an expression says; of what is not known here only …."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name):
            return constants(module).get(name, ANY)
        case ast.JoinedStr(values=parts):
            return ''.join(sentence(module, part) for part in parts)
        case ast.FormattedValue(value=ast.Name() as name):
            return sentence(module, name)
    return ANY


@functools.cache
def constants(module):
    """Strings with a name of their own."""
    return {
        one.targets[0].id: one.value.value
        for one in tree(module).body
        if isinstance(one, ast.Assign)
        and isinstance(one.targets[0], ast.Name)
        and isinstance(one.value, ast.Constant)
        and isinstance(one.value.value, str)
    }


def has_words(text):
    """Whether a reader learns anything from it."""
    return bool(re.search(r'\w\w', text))


def functions(module) -> Iterator[tuple[str, ast.AST]]:
    """Each function, with what is in it and in no inner one."""
    waiting: list[tuple[str, ast.AST]] = [('', tree(module))]
    while waiting:
        name, node = waiting.pop()
        inner = isinstance(node, ast.FunctionDef)
        if inner:
            assert isinstance(node, ast.FunctionDef)
            name = node.name
        yield name, node
        waiting += [(name, child) for child in ast.iter_child_nodes(node)]


def calls(module, name):
    """Each call of a function or class by that name, and where it is."""
    for function, node in functions(module):
        if isinstance(node, ast.Call):
            called = getattr(node.func, 'id', getattr(node.func, 'attr', ''))
            if called == name:
                yield function, node


def returned(module, *names):
    """All that functions by these names return that has words."""
    found = set()
    for function, node in functions(module):
        if function in names and isinstance(node, ast.Return):
            found |= set(_strings(module, node.value))
    return found


def assigned(module, function, name):
    """All that has words and is given a name in a function."""
    return {
        text
        for where, node in functions(module)
        if where == function
        and isinstance(node, ast.Assign)
        and ast.unparse(node.targets[0]) == name
        for text in _strings(module, node.value)
    }


def _strings(module, node):
    """The strings in an expression, whole ones only."""
    if isinstance(node, ast.JoinedStr | ast.Constant):
        text = sentence(module, node)
        return [text] if has_words(text) else []
    if node is None:
        return []
    return [
        text
        for child in ast.iter_child_nodes(node)
        for text in _strings(module, child)
    ]


def fits(pattern, text):
    """Whether a sentence that was really said is of this form."""
    parts = [re.escape(part) for part in pattern.split(ANY)]
    return re.fullmatch('.+'.join(parts), text, re.DOTALL) is not None
