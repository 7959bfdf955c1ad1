"""Makes snippets.json: small templates with what the real Jinja2 renders them to, set up as Hugging Face sets it up.

Run: pip install jinja2==3.1.6 && python make_snippets.py
"""

import copy
import datetime
import json
import pathlib

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

NOW = datetime.datetime(2024, 7, 6, 5, 4, 3)


class Generation(Extension):
    """The block tag that Hugging Face adds to mark what the assistant wrote."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        call = self.call_method("_support")
        return nodes.CallBlock(call, [], [], body).set_lineno(line)

    @jinja2.pass_eval_context
    def _support(self, context, caller):
        return caller()


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


ENV = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
ENV.filters["tojson"] = tojson
ENV.globals["raise_exception"] = raise_exception
ENV.globals["strftime_now"] = lambda format: NOW.strftime(format)

MESSAGES = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hi <there>\n", "n": 1},
    {"role": "assistant", "content": "Hello, 世界 🌍!", "n": 2.5},
]
VARIABLES = {
    "messages": MESSAGES,
    "s": "Hello, World",
    "padded": "  \n x y \t ",
    "emoji": "a🌍b世c",
    "quotes": "it's \"so\"\\",
    "empty": "",
    "nums": [3, 1, 2],
    "words": ["b", "A", "c", "a"],
    "d": {"b": 1, "a": [1, 2.0, None, True], "items": "key"},
    "t": True,
    "none_value": None,
    "f": 1.5,
    "big": 1e16,
    "small": 1e-5,
    "i": 42,
    "people": [
        {"name": "Bo", "age": 30, "ok": True, "in": {"x": 2}},
        {"name": "al", "age": 25, "ok": False, "in": {"x": 1}},
        {"name": "Cy", "age": 25, "in": {"x": 3}},
    ],
}

SNIPPETS = r"""
plain text
{{ s }}|{{ i }}|{{ f }}|{{ t }}|{{ none_value }}|{{ missing }}
{{ nums }} {{ words }} {{ d }}
{{ quotes }} {{ [quotes, "a'b", 'a"b'] }}
{{ ['\n\t\\', emoji, '\x07\u200b'] }}
{{ (1,) }} {{ (1, 2) }} {{ () }} {{ [] }} {{ {} }}
{{ big }} {{ small }} {{ 1e15 }} {{ 123456789.125 }} {{ 0.1 + 0.2 }} {{ 1e22 }} {{ 1e-4 }} {{ -0.0 }}
{{ 7 // 2 }} {{ -7 // 2 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 6 / 2 }} {{ 2 ** 10 }} {{ 2 ** -1 }} {{ 2 ** 3 ** 2 }}
{{ 7.5 // 2 }} {{ -7.5 % 2 }} {{ 7 % -3 }} {{ 1 + True }} {{ -True }}
{{ 1 / 0 }}
{{ 1 % 0 }}
{{ 's' + 1 }}
{{ 's' ~ 1 ~ none_value ~ missing ~ 1.0 ~ [1] }}
{{ 'ab' * 3 }} {{ [1] * 2 }} {{ 2 * 'x' }} {{ 'x' * -1 }}|
{{ [1] + [2] }} {{ (1,) + (2,) }}
{{ [1] + (2,) }}
{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 1 == 1.0 }} {{ True == 1 }} {{ 'a' == 1 }} {{ none == none }}
{{ 'a' < 'b' }} {{ [1, 2] < [1, 3] }} {{ (1, 2) <= (1, 2) }} {{ 'Z' < 'a' }}
{{ 1 < 'a' }}
{{ none < 1 }}
{{ missing == missing2 }} {{ missing == '' }} {{ missing == none }} {{ missing != 1 }}
{{ missing + 'x' }}
{{ missing.attribute }}
{{ missing['key'] }}
{{ messages[0].missing }}|{{ messages[9] }}|{{ messages[0].missing is defined }}
{{ messages[0].missing.deeper }}
{{ none_value.x }}|
{{ none_value.x.y }}
{{ missing() }}
{{ s() }}
{{ 'or: ' ~ (missing or 'default') }} {{ 0 or none_value or '' }}| {{ 1 and 'x' }} {{ 0 and 1 }}
{{ not missing }} {{ not 1 }} {{ not '' and not [] }} {{ not not 3 }}
{{ 'e' in s }} {{ 'z' not in s }} {{ 1 in nums }} {{ 'b' in d }} {{ 1 in missing }} {{ '' in '' }} {{ 5 not in nums }}
{{ 1 in s }}
{{ 1 in 5 }}
{{ 'yes' if t else 'no' }} {{ 'yes' if missing }}| {{ 1 if 0 else 2 if 0 else 3 }}
{{ 1, 2 }} {{ 'a' 'b' }} {{ "x" }}
{{ 0x1f }} {{ 0b101 }} {{ 0o17 }} {{ 1_000 }} {{ 1_0.5 }} {{ 2e3 }}
{{ '\u0041\x42\103\n\q\'' }}
{{ -i }} {{ +i }} {{ -1 | abs }} {{ -1 ** 2 }} {{ 2 - -1 }} {{ i | string | length }}
{{ 1 + 2 ~ 3 * 2 }} {{ 1 ~ 2 + 3 }} {{ (1 + 2) * 3 }} {{ 10 - 2 - 3 }} {{ 2 * 3 % 4 }}
{{ true }} {{ True }} {{ false }} {{ none }} {{ None }}
{{ s[0] }} {{ s[-1] }} {{ s[99] }}| {{ s[1:4] }} {{ s[:-1] }} {{ s[::-1] }} {{ s[::2] }} {{ s[-3:] }} {{ s[5:2] }}|
{{ emoji[1] }} {{ emoji[::-1] }} {{ emoji | length }} {{ emoji[2:] }} {{ emoji | list }} {{ emoji.find('b') }}
{{ nums[1:] }} {{ nums[::-1] }} {{ nums[-2:] }} {{ nums[:0] }} {{ nums[10:] }} {{ nums[2:0:-1] }} {{ nums[::5] }} {{ (1,2,3)[1:] }}
{{ nums[::0] }}
{{ i[1:] }}
{{ d.a }} {{ d['b'] }} {{ d.items is callable }} {{ d['items'] }} {{ d.get('b') }} {{ d.get('z') }} {{ d.get('z', 7) }}
{{ nums.0 }} {{ people.0.name }} {{ people[0]['in'].x }}
{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}
{% for k in d %}{{ k }};{% endfor %}{{ d.keys() | list }}{{ d.values() | list | length }}
{{ d | items | list }} {{ missing | items | list }}
{{ i | items | list }}
{{ dict(a=1, b='x') }} {{ dict([('k', 1)], z=2) }} {{ {'a': 1, 'a': 2} }} {{ {1: 'i', true: 'b', 1.0: 'f'} }}
{{ {'a': {'b': {'c': 1}}}['a']['b'] }}
{{ {[1]: 2} }}
{{ nums.append(4) }}
{{ d.update({'x': 1}) }}
{{ d.pop('b') }}
{{ nums.count(1) }} {{ nums.index(2) }}
{{ nums.index(9) }}
{{ padded.strip() }}| {{ padded.lstrip() }}| {{ padded.rstrip() }}| {{ 'xxaxx'.strip('x') }} {{ 'abcba'.lstrip('ab') }} {{ 'abcba'.rstrip('ab') }}
{{ 'a,b,,c'.split(',') }} {{ ' a  b '.split() }} {{ 'a b c'.split(' ', 1) }} {{ 'a b c'.split(none, 1) }} {{ ''.split() }} {{ ''.split(',') }}
{{ '  a b  c  '.split(none, 1) }} {{ '  a b  c  '.rsplit(none, 1) }} {{ 'a-b-c'.rsplit('-', 1) }} {{ 'a-b-c'.rsplit('-') }} {{ 'aaa'.rsplit('aa') }}
{{ 'a'.split('') }}
{{ 'a\nb\r\nc\n'.splitlines() }} {{ 'a\nb'.splitlines(true) }} {{ 'x\ty'.splitlines() }}
{{ s.startswith('Hell') }} {{ s.endswith('d') }} {{ s.startswith(('x', 'H')) }} {{ ''.startswith('') }} {{ s.endswith('World!') }}
{{ s.startswith(1) }}
{{ s.upper() }} {{ s.lower() }} {{ "they're bill's".title() }} {{ 'hELLO wORLD'.capitalize() }} {{ 'straße'.upper() }} {{ 'ß'.capitalize() }}
{{ s.replace('l', 'L') }} {{ s.replace('l', '', 1) }} {{ 'abc'.replace('', '-') }} {{ 'aaa'.replace('aa', 'b') }} {{ ''.replace('', 'x') }} {{ 'abc'.replace('', '-', 2) }}
{{ s.find('o') }} {{ s.rfind('o') }} {{ s.find('z') }} {{ s.count('l') }} {{ s.index('W') }} {{ s.find('o', 5) }} {{ s.find('o', 5, 7) }} {{ 'abc'.count('') }}
{{ s.index('z') }}
{{ ', '.join(['a', 'b']) }} {{ ''.join([]) }}|
{{ ','.join(nums) }}
{{ 'abc'.removeprefix('a') }} {{ 'abc'.removesuffix('c') }} {{ 'abc'.removeprefix('x') }} {{ 'a=b=c'.partition('=') }} {{ 'a=b=c'.rpartition('=') }} {{ 'x'.partition('=') }} {{ 'x'.rpartition('=') }}
{{ '12'.isdigit() }} {{ ''.isdigit() }} {{ 'aB'.isalpha() }} {{ 'a1'.isalnum() }} {{ ' '.isspace() }} {{ 'AB1'.isupper() }} {{ 'ab'.islower() }} {{ '1'.islower() }}
{{ s.unknown_method() }}
{{ s.__class__ }}|
{{ s.__class__.__mro__ }}
{{ s | upper }} {{ s | lower }} {{ 'hello wORLD-foo (bar)' | title }} {{ 'hELLO' | capitalize }} {{ 12 | upper }} {{ none | lower }}
{{ padded | trim }}| {{ 'xax' | trim('x') }} {{ i | trim }}
{{ s | length }} {{ nums | length }} {{ d | length }} {{ missing | length }} {{ nums | count }}
{{ 5 | length }}
{{ missing | default('x') }} {{ '' | default('x') }}| {{ '' | default('x', true) }} {{ none_value | default('y') }} {{ none_value | default('y', boolean=true) }} {{ missing | d(1) }} {{ missing | default }}|
{{ missing.x | default('x') }}
{{ nums | first }} {{ nums | last }} {{ [] | first }}| {{ s | first }} {{ s | last }} {{ d | first }}
{{ nums | join }} {{ nums | join(', ') }} {{ people | join('/', attribute='name') }} {{ s | join('.') }} {{ [] | join(',') }}|
{{ s | replace('l', 'L') }} {{ s | replace('l', 'L', 1) }} {{ 121 | replace(1, 3) }}
{{ 'abc' | list }} {{ (1, 2) | list }} {{ d | list }} {{ missing | list }} {{ range(3) | list }}
{{ 5 | list }}
{{ '42' | int }} {{ '4x' | int }} {{ '4.7' | int }} {{ 'x' | int(9) }} {{ 3.9 | int }} {{ -3.9 | int }} {{ '0x1f' | int(base=16) }} {{ none | int }} {{ true | int }} {{ ' 7 ' | int }} {{ 'ff' | int(0, 16) }}
{{ '1.5' | float }} {{ 'x' | float }} {{ 3 | float }} {{ 'x' | float(2.5) }} {{ '1e3' | float }} {{ '.5' | float }}
{{ 1.5 | string ~ 'x' }} {{ none | string }} {{ [1, 'a'] | string }}
{{ -3 | abs }} {{ (-2.5) | abs }}
{{ 's' | abs }}
{{ 2.5 | round }} {{ 3.5 | round }} {{ 2.675 | round(2) }} {{ 42.55 | round(1, 'floor') }} {{ 42.55 | round(1, 'ceil') }} {{ 42 | round }} {{ 2.1 | round(0, 'ceil') }} {{ 1234 | round(-2) }} {{ 7.9 | round | int }}
{{ 2.5 | round(1, 'up') }}
{{ people | map(attribute='name') | list }} {{ people | map(attribute='ok', default='?') | list }} {{ words | map('upper') | join }} {{ people | map(attribute='in.x') | list }} {{ [[1, 2], [3]] | map('first') | list }} {{ [[1, 2], [3, 4]] | map(attribute=1) | list }}
{{ nums | map | list }}
{{ nums | select('odd') | list }} {{ nums | reject('odd') | list }} {{ [0, 1, '', 'x'] | select | list }} {{ nums | select('gt', 1) | list }} {{ nums | select('in', [1, 2]) | list }}
{{ people | selectattr('ok') | map(attribute='name') | list }} {{ people | rejectattr('ok') | map(attribute='name') | list }} {{ people | selectattr('age', 'equalto', 25) | map(attribute='name') | list }} {{ people | selectattr('in.x', '>', 1) | list | length }} {{ people | selectattr('ok', 'defined') | list | length }}
{{ nums | sort }} {{ words | sort }} {{ words | sort(case_sensitive=true) }} {{ nums | sort(reverse=true) }} {{ people | sort(attribute='age') | map(attribute='name') | join(',') }} {{ people | sort(attribute='age,name') | map(attribute='name') | join(',') }} {{ people | sort(attribute='name', reverse=true) | map(attribute='name') | join(',') }}
{{ [1, 'a'] | sort }}
{{ ['b', 'B', 'a', 'b'] | unique | list }} {{ ['b', 'B'] | unique(true) | list }} {{ people | unique(attribute='age') | map(attribute='name') | list }} {{ [1, 1.0, true, 2] | unique | list }}
{{ nums | reverse | list }} {{ s | reverse }} {{ (1, 2) | reverse | list }}
{{ nums | sum }} {{ people | sum(attribute='age') }} {{ nums | sum(start=10) }} {{ nums | min }} {{ nums | max }} {{ words | max }} {{ [] | max }}| {{ people | min(attribute='age') }}
{{ d | dictsort }} {{ {'B': 1, 'a': 2} | dictsort }} {{ {'B': 1, 'a': 2} | dictsort(true) }} {{ {'x': 3, 'y': 1} | dictsort(by='value') }} {{ {'x': 3, 'y': 1} | dictsort(reverse=true) }}
{{ '<a href="x">\'&' | escape | length }} {{ s | safe }}
{{ 'a\nb\n\nc' | indent }}| {{ 'a\nb' | indent(2, true) }}| {{ 'a\n\nb' | indent(1, blank=true) }}| {{ 'a\nb' | indent('> ') }}| {{ 'a\n' | indent }}|
{{ d | tojson }} {{ s | tojson }} {{ emoji | tojson }} {{ quotes | tojson }} {{ '\u2028\x7f<>&\x01' | tojson }}
{{ d | tojson(indent=2) }}
{{ {'a': [], 'b': {}, 'c': [[1]]} | tojson(indent=4) }}
{{ emoji | tojson(ensure_ascii=true) }} {{ [1, 2] | tojson(separators=(',', ':')) }} {{ {'b': 1, 'a': 2} | tojson(sort_keys=true) }} {{ {1: 2, none: 3, true: 4} | tojson }} {{ (1, 2) | tojson }}
{{ big | tojson }} {{ 1.0 | tojson }} {{ none | tojson }} {{ true | tojson }} {{ messages | tojson }}
{{ missing | tojson }}
{{ i is integer }} {{ t is integer }} {{ f is float }} {{ t is number }} {{ i is number }} {{ s is string }} {{ d is mapping }} {{ nums is sequence }} {{ s is sequence }} {{ d is sequence }} {{ i is sequence }} {{ s is iterable }} {{ i is iterable }} {{ missing is iterable }} {{ missing is sequence }}
{{ missing is defined }} {{ s is defined }} {{ missing is undefined }} {{ none_value is none }} {{ missing is none }} {{ t is true }} {{ 1 is true }} {{ t is boolean }} {{ false is false }} {{ 0 is false }}
{{ 2 is even }} {{ 3 is odd }} {{ 6 is divisibleby 3 }} {{ 6 is divisibleby(4) }} {{ i is eq 42 }} {{ i is equalto(42) }} {{ i is ne 1 }} {{ i is gt 1 }} {{ i is lessthan 1 }} {{ 1 is in [1] }} {{ 'a' is in 'abc' }} {{ 1 is not in [1] }}
{{ i is not string }} {{ not i is string }} {{ s is lower }} {{ 'abc' is lower }} {{ 'ABC' is upper }} {{ none is sameas none }} {{ 1 is sameas true }} {{ range is callable }}
{{ s is string and i is integer or false }} {{ 'x' if s is string else 'y' }} {{ [s is string, i is string] }}
{{ s is unknown_test }}
{{ s | unknown_filter }}
{{ range(5) | list }} {{ range(2, 5) | list }} {{ range(5, 0, -2) | list }} {{ range(0) | list }}
{{ range(1000000) | list }}
{{ range(1, 5, 0) | list }}
{% set x = 1 %}{{ x }}{% set x = x + 1 %}{{ x }}
{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set (c, e) = (3, 4) %}{{ c }}{{ e }}
{% set a, b = [1] %}
{% set x %}in {{ s }}{% endset %}[{{ x }}]{% set y | upper %}abc{% endset %}{{ y }}
{% set ns = namespace(n=0, found=false) %}{% for x in nums %}{% set ns.n = ns.n + x %}{% endfor %}{{ ns.n }}{{ ns.found }}{{ ns.missing }}|
{% set ns = namespace({'a': 1}) %}{{ ns.a }}{% set ns.b = 2 %}{{ ns['b'] }}
{% set s.x = 1 %}
{% set x = 0 %}{% for n in nums %}{% set x = n %}{{ x }}{% endfor %}={{ x }}
{% if t %}{% set x = 5 %}{% endif %}{{ x }}
{% for n in nums %}{{ x }}{% set x = n %}{% endfor %}|
{% if i == 1 %}a{% elif i == 42 %}b{% else %}c{% endif %}{% if missing %}d{% endif %}{% if not missing %}e{% endif %}
{% for n in nums %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }};{% endfor %}
{% for n in nums %}{{ loop.previtem }}<{{ n }}>{{ loop.nextitem }};{% endfor %}
{% for n in nums %}{{ loop.previtem is defined }}{{ loop.nextitem is defined }} {% endfor %}
{% for n in nums %}{{ loop.cycle('a', 'b') }}{{ loop.depth }}{{ loop.depth0 }}{% endfor %}
{% for n in [1, 1, 2] %}{{ loop.changed(n) }} {% endfor %}
{% for n in [] %}x{% else %}none{% endfor %}{% for n in missing %}x{% else %}none{% endfor %}{% for n in nums %}{{ n }}{% else %}none{% endfor %}
{% for n in nums if n > 1 %}{{ n }}/{{ loop.length }}{{ loop.last }} {% else %}none{% endfor %}
{% for n in nums if n > 9 %}{{ n }}{% else %}none{% endfor %}
{% for n in 5 %}{% endfor %}
{% for a, b in [(1, 2), (3, 4)] %}{{ a }}-{{ b }};{% endfor %}{% for (a, b) in [[5, 6]] %}{{ a }}{{ b }}{% endfor %}
{% for a, b in [1] %}{% endfor %}
{% for c in 'a🌍b' %}[{{ c }}]{% endfor %}
{% for n in nums %}{% if n == 1 %}{% continue %}{% endif %}{{ n }}{% endfor %}{% for n in nums %}{% if n == 1 %}{% break %}{% endif %}{{ n }}{% endfor %}
{% for a in [1, 2] %}{% for b in [1, 2] %}{{ loop.index }}{% if b == a %}{% break %}{% endif %}{% endfor %}|{{ loop.index }}{% endfor %}
{% for a in [1, 2] %}{% for b in [] %}{% else %}{% break %}{% endfor %}{{ a }}{% endfor %}
{{ loop }}|{% for n in nums %}{% endfor %}{{ n }}|
{% macro m(a, b=2, c='x') %}{{ a }}{{ b }}{{ c }};{% endmacro %}{{ m(1) }}{{ m(1, 3) }}{{ m(a=5, c=6) }}{{ m() }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(b=2) }}
{% macro m(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}
{% set x = 'outer' %}{% macro m() %}{{ x }}{% set x = 'inner' %}{{ x }}{% endmacro %}{{ m() }}{{ x }}
{% macro m() %}{{ n }}{% endmacro %}{% for n in nums %}[{{ m() }}]{% endfor %}
{% macro m() %}{{ later }}{% endmacro %}{% set later = 'set' %}{{ m() }}
{% macro fact(n) %}{{ 1 if n == 0 else n * (fact(n - 1) | int) }}{% endmacro %}{{ fact(5) }}
{% macro m() %}{% endmacro %}{{ m() | length }}{{ m is callable }}{{ m.name }}
{% macro list_it(items) %}{% for x in items %}{{ caller(x) }}{% endfor %}{% endmacro %}{% call(x) list_it([1, 2]) %}<{{ x }}>{% endcall %}
{% macro box() %}[{{ caller() }}]{% endmacro %}{% call box() %}in {{ s }}{% endcall %}
{% filter upper %}abc {{ s }}{% endfilter %}{% filter trim | title %}  a b {% endfilter %}
{% with a = 1, b = 2 %}{{ a }}{{ b }}{% endwith %}{{ a }}|
{% with %}{% set z = 3 %}{{ z }}{% endwith %}{{ z }}|
{% generation %}x{{ s }}{% set inner = 1 %}{% endgeneration %}{{ inner }}|
{% raw %}{{ not }} {% if %}{% endraw %}|{% raw -%}  a {%- endraw %}
{# comment {{ x }} #}a{#- c -#} b {#c#}
{{ raise_exception('no ' ~ s) }}
{{ strftime_now('%Y-%m-%d %d %b %B %a %A %H:%M:%S %y %j %I %p %%') }} {{ strftime_now('%-d %e %F %T') }}
{{ caller }}|{{ self_is_not_here }}|
{% unknown_tag %}
{% if %}{% endif %}
{% if t %}
{% endif %}
{% for x in nums %}{% endif %}{% endfor %}
{{ 'unclosed }}
{{ (1 }}
{{ 1 + }}
{{ }}
{{ a b }}
{{ [1, 2 }}
{{ x.% }}
{% set 5 = 1 %}
{% set none = 1 %}
{% break %}
{{ 'a' is string is string }}
{{ m(a=1, 2) }}
{{ 1 ? 2 }}
{# unclosed
{% raw %} unclosed
{{ i.x }}|{{ f.x }}|{{ t.x }}|{{ nums.x }}|
{{ nums['x'] }}|{{ nums[1.5] }}|{{ nums[none] }}|{{ d[none] }}|{{ d[[1]] }}|
{{ nums[true] }} {{ nums[-1] }} {{ nums[-9] }}|
{{ messages | selectattr('role', 'eq', 'user') | map(attribute='content') | first | trim }}
{{ messages[1:] | map(attribute='role') | join(',') }} {{ messages[::-1][0].role }} {{ messages | last | tojson }}
{% for m in messages if m.role != 'system' %}{{ loop.index0 }}{{ m['role'] }}{% if not loop.last %},{% endif %}{% endfor %}
{{ (nums | select('odd')) is iterable }} {{ 'always' if (nums | select('gt', 9)) else 'never' }} {{ (nums | map('string') | list)[0] }}
{{ nums | select('odd') | length }}
{{ namespace(a=1).a }} {{ 'x'.join(['1', '2']).split('x')[1] }} {{ (i | string)[0] }} {{ 'abc'[1:][0] }}
{{ 9007199254740993 }} {{ 9007199254740993 == 9007199254740992.0 }} {{ 3 * 1.0 }} {{ 10 ** 3 }} {{ 5 // 2.0 }} {{ 1e308 * 10 }} {{ -1e308 * 10 }}
{{ 1 if true }} {{ [1, 2,] }} {{ {'a': 1,} }} {{ dict() }} {{ m }}|
{{ '%s' }} {{ '{}' }} {{ '}}' }} {{ '%}' }} {{ "{{" }} {{ '{#' }}
""".strip("\n").split("\n")

BLOCKS = [
    "a\n{% if t %}\nb\n{% endif %}\nc\n",
    "a\n    {% if t %}\n    b\n    {% endif %}\nc",
    "  {% if t %}  x  {% endif %}  \n y",
    "a {% if t %}\n  b{% endif %}",
    "a\n  {%+ if t %}\nb{% endif +%}\nc",
    "a\n  {%- if t -%}\n  b  {%- endif -%}  \n c",
    "a\n  {{- s -}}\n  b {{ s }}\n c",
    "a\n   {# c #}\nb\n  {#- d #}\n  e {# f -#}   \n g",
    "x {# a +#}\n y\n  {#+ b #}\nz",
    "\n\n{% set x = 1 %}\n\n{{ x }}\n\n",
    "{% for n in nums %}\n  {{ n }}\n{% endfor %}\n",
    "{% for n in nums -%}\n  {{ n }}\n{%- endfor %}\n",
    "\t{% if t %}\r\nwindows\r\n\t{% endif %}\r\nend\r\n",
    "a\n  {% raw %}\n  {{ x }}\n  {% endraw %}\nb",
    "a\n  {%- raw -%}\n  {{ x }}\n  {%- endraw -%}\n b",
    "{% if t %}\n  {% if t %}\n    {{ s }}\n  {% endif %}\n{% endif %}\n",
    "{{ '\n' }}{{ \"a\nb\" }}",
    "{% set x %}\n  a\n{% endset %}\n[{{ x }}]",
    "   {{ s }}   {% if t %} {% endif %}   {{ s }}",
    "{% if t %}  {% endif %}  {% if t %}x{% endif %}",
    "a\u00a0\u2003{%- if t %}\u00a0b{% endif %}",
    "{{\n  s\n  | upper\n}}",
    "{% if (t\n   and i) %}\nok\n{% endif %}",
    "",
    "\n",
    "{%- macro m(x) -%}\n  <{{ x }}>\n{%- endmacro -%}\n{{ m(1) }}\n{{ m(2) }}",
    "{% for n in nums %}{{ n }}\n  {% if not loop.last %}\n,\n  {% endif %}\n{% endfor %}",
    "{#\n multi\n line\n#}\nx",
    "{{ s }}\n{% if t %}{# c #}\n{% endif %}\nend",
]


def render(template):
    case = {"template": template}
    try:
        case["rendered"] = ENV.from_string(template).render(**copy.deepcopy(VARIABLES))
    except Exception as e:
        case["error"] = type(e).__name__ + ": " + str(e).split("\n")[0]
    return case


cases = [render(t) for t in SNIPPETS + BLOCKS]
out = {
    "made_with": f"Jinja2 {jinja2.__version__} by make_snippets.py; never edited by hand. 'error' is Jinja2's own, ours is worded otherwise",
    "now": NOW.isoformat(),
    "variables": VARIABLES,
    "cases": cases,
}
target = pathlib.Path(__file__).with_name("snippets.json")
target.write_text(json.dumps(out, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
print(len(cases), "cases,", sum("error" in c for c in cases), "of them errors")
