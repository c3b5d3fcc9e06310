"""Makes JSON Schemas of some OCSF event classes from the schema's sources; prints JSON. Usage: compile.py SOURCES CLASS... (see "source" in the result)."""
import json, os, sys

src, wanted = sys.argv[1], sys.argv[2:]
read = lambda path: json.load(open(os.path.join(src, path)))
dictionary = read('dictionary.json')
types = dictionary['types']['attributes']
overlay = read('overlay.json') if os.path.exists(os.path.join(src, 'overlay.json')) else {'attributes': {}, 'version': read('version.json')['version']}
dictionary['attributes'].update(overlay['attributes'])
files = {}
for folder in ('events', 'objects'):
    for base, _, names in os.walk(os.path.join(src, folder)):
        for name in names:
            if name.endswith('.json'):
                one = json.load(open(os.path.join(base, name)))
                if 'name' in one or 'extends' in one: files[(folder, one.get('name') or one['extends'])] = one
categories = read('categories.json')['attributes']
SIMPLE = {'string': {'type': 'string'}, 'integer': {'type': 'integer'}, 'long': {'type': 'integer'}, 'float': {'type': 'number'}, 'boolean': {'type': 'boolean'}, 'json': {}}

def merge(a, b):
    out = dict(a)
    for k, v in b.items():
        out[k] = merge(out[k], v) if isinstance(v, dict) and isinstance(out.get(k), dict) else v
    return out

def included(attributes):
    out = {}
    includes = attributes.get('$include', [])
    for path in [includes] if isinstance(includes, str) else includes:
        one = read(path)
        part = included(one.get('attributes', {}))
        out = merge(out, {k: dict(v, profile=one['name']) if one.get('meta') == 'profile' else v for k, v in part.items()})
    return merge(out, {k: v for k, v in attributes.items() if k != '$include'})

def resolved(folder, name):
    one = files[(folder, name)]
    base = resolved(folder, one['extends']) if one.get('extends') and one['extends'] != name else {'attributes': {}}
    attributes = merge(base['attributes'], included(one.get('attributes', {})))
    out = merge(base, {k: v for k, v in one.items() if k != 'attributes'})
    out['attributes'] = attributes
    return out

defs, constraints = {}, {'classes': {}, 'objects': {}}

def type_schema(name):
    if not name.endswith('_t'):
        return reference(name)
    simple = SIMPLE.get(name[:-2])
    if simple is not None: return dict(simple)
    one = types[name]
    out = type_schema(one['type']) if 'type' in one else {}
    if 'regex' in one: out['pattern'] = one['regex']
    if 'max_len' in one: out['maxLength'] = one['max_len']
    if 'range' in one: out['minimum'], out['maximum'] = one['range']
    return out

def reference(name):
    if name == 'object': return {'type': 'object'}
    if name not in defs:
        defs[name] = None
        defs[name] = body(resolved('objects', name), 'objects', name)
    return {'$ref': '#/$defs/' + name}

def body(one, kind, name):
    properties, required = {}, []
    for key, attribute in sorted(one['attributes'].items()):
        if not isinstance(attribute, dict): continue
        profile = attribute.get('profile')
        if kind == 'classes' and profile is not None and profile not in PROFILES: continue
        if kind == 'objects' and profile is not None and profile not in PROFILES: continue
        full = merge(dictionary['attributes'].get(key, {}), attribute)
        if 'type' not in full:
            continue
        schema = type_schema(full['type'])
        enum = full.get('enum')
        if enum and schema.get('type') == 'integer': schema['enum'] = [int(k) for k in enum]
        if full.get('is_array'): schema = {'type': 'array', 'items': schema}
        properties[key] = schema
        if full.get('requirement') == 'required': required.append(key)
    out = {'type': 'object', 'additionalProperties': False, 'properties': properties}
    if required: out['required'] = required
    limits = {k: v for k, v in (one.get('constraints') or {}).items() if v}
    if limits: constraints[kind][name] = limits
    if 'at_least_one' in limits: out['anyOf'] = [{'required': [k]} for k in limits['at_least_one']]
    if 'just_one' in limits: out['oneOf'] = [{'required': [k]} for k in limits['just_one']]
    if not properties: out = {'type': 'object'}
    return out

PROFILES = {'security_control', 'record_integrity', 'ai_operation'}
classes, captions = {}, {}
for name in wanted:
    one = resolved('events', name)
    category = one['category']
    uid = categories[category]['uid'] * 1000 + one['uid']
    schema = body(one, 'classes', name)
    schema['properties']['class_uid'] = {'type': 'integer', 'const': uid}
    schema['properties']['category_uid'] = {'type': 'integer', 'const': categories[category]['uid']}
    activities = {k: v['caption'] for k, v in one['attributes']['activity_id']['enum'].items()}
    schema['properties']['type_uid'] = {'type': 'integer', 'enum': [uid * 100 + int(k) for k in activities]}
    classes[name] = schema
    captions[name] = {'uid': uid, 'caption': one['caption'], 'category_uid': categories[category]['uid'], 'category_name': categories[category]['caption'], 'activities': activities}
out = {'version': overlay['version'], 'source': overlay.get('source', ''), 'captions': captions, 'classes': classes, 'constraints': constraints, '$defs': dict(sorted(defs.items()))}
print(json.dumps(out, sort_keys=True, separators=(',', ':')))
