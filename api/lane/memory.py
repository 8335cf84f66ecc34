"""What the lane answers of the memory plane: each function reads the request, asks the engine once, and renders.

A token costs one statement more, which tells what it may.

They do as the views of the same name in `api.views` do, with the same functions; None means that Django is to answer.
"""

from api import rendering
from api.lane.body import Body
from api.lane.requests import KeysRequest, MemoryRequest, set_body_of
from api.rendering import Answer
from namespaces import access, database, reading, sql, tally, writing
from namespaces.callers import Caller
from namespaces.engine import Engine
from namespaces.engine.errors import NotAnswered
from namespaces.errors import DatabaseTrouble, Refusal


async def answer(request: MemoryRequest | KeysRequest, body: Body, engine: Engine) -> Answer | None:
    """The answer to a request, if it is a common one. DatabaseTrouble is raised: asking again would not help."""
    try:
        caller = await _caller(request, engine)
        if caller is None:
            return None
        if isinstance(request, KeysRequest):
            return await keys(request, engine, caller)
        match request.method:
            case "GET":
                return await get(request, engine, caller)
            case "PUT":
                return await put(request, body, engine, caller)
            case _:
                return await delete(request, engine, caller)
    except DatabaseTrouble:
        raise
    except (Refusal, NotAnswered):
        return None


async def _caller(request: MemoryRequest | KeysRequest, engine: Engine) -> Caller | None:
    """Who asks; None where Django is to tell them that their token is none, or that it is another writer's."""
    writer = "" if request.method == "GET" else request.writer
    token = request.token
    if not token:
        return Caller(writer)
    row = await engine.fetch(sql.READ_ACCESS, access.admission_parameters(request.namespace, token))
    bearer = access.admission_in(request.namespace, token, row).token
    if bearer is None or writer not in ("", bearer.name):
        return None
    tally.count_use(request.namespace, bearer.digest)
    return Caller(bearer.name, is_verified=True, token=bearer)


async def get(request: MemoryRequest, engine: Engine, caller: Caller) -> Answer:
    caller.check_reads(request.key)
    parameters = reading.read_parameters(request.namespace, request.key, caller)
    row = await engine.fetch(sql.READ_ENTRY, parameters)
    entry = reading.remembered(request.namespace, request.key, row)
    tally.count_read(entry.namespace)
    return rendering.entry_answer(entry, request.headers.get(b"if-none-match"))


async def keys(request: KeysRequest, engine: Engine, caller: Caller) -> Answer:
    caller.check_reads(request.prefix)
    parameters = reading.keys_parameters(request.namespace, request.prefix, request.after, request.most, caller)
    row = await engine.fetch(sql.LIST_KEYS[database.vendor()], parameters)
    page = reading.keys_in(request.namespace, request.most, row)
    tally.count_read(request.namespace)
    return rendering.keys_answer(request.namespace, page)


async def put(request: MemoryRequest, body: Body, engine: Engine, caller: Caller) -> Answer | None:
    given = await set_body_of(request, body)
    if given is None:
        return None
    write = writing.set_of(request.namespace, request.key, given.value, ttl=given.ttl, caller=caller)
    verdict = await engine.carry_out(write.plan, write.condition.sql, write.parameters)
    if verdict is None or verdict["refusal"] is not None:
        return None
    tally.count_write(request.namespace)
    return rendering.written_answer(write.written(verdict))


async def delete(request: MemoryRequest, engine: Engine, caller: Caller) -> Answer | None:
    write = writing.delete_of(request.namespace, request.key, caller=caller)
    verdict = await engine.carry_out(write.plan, write.condition.sql, write.parameters)
    if verdict is None or verdict["refusal"] is not None:
        return None
    tally.count_write(request.namespace)
    return rendering.deleted_answer(write.deleted(verdict))
