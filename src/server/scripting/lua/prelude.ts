/**
 * The part of the sandbox that is Lua: run once in each new state, before any script, with the tables that stand behind
 * the locked ones. It hands back the globals that scripts see, and what a run begins with.
 *
 * pcall, xpcall and the coroutines are wrapped so that a script can be set aside wherever it stands and taken up again
 * (a busy script must let other clients be served). Lua 5.1 can't do so across a C function, and its pcall is one. So the
 * Lua function that pcall guards runs in a coroutine of its own; when a count hook sets the innermost one aside, each of
 * the wrappers around it sets its own aside in turn (`native.parked` says so), and later resumes what it had inside.
 */
export const PRELUDE = `
local native, real = ...
local getinfo = real.debug.getinfo
local setmetatable, type, error, tostring = real.setmetatable, real.type, real.error, real.tostring
local pcall, xpcall, loadstring = real.pcall, real.xpcall, native.loadstring
local concat = real.table.concat
local create, resume, yield = real.coroutine.create, real.coroutine.resume, real.coroutine.yield
local status, running = real.coroutine.status, real.coroutine.running
local parked, doomed, plain, answer = native.parked, native.doomed, native.plain, native.answer

-- Coroutines that a script must not know of -> the one that it takes itself to be in (false: none).
local hidden = setmetatable({}, { __mode = 'k' })
local depth = 0

local function settled(co, ok, ...)
  if ok then
    if status(co) == 'suspended' then
      local park = parked()
      if park ~= nil then
        if park then yield() end
        return settled(co, resume(co, answer()))
      end
    end
  elseif doomed() then
    error((...), 0)
  end
  return ok, ...
end

local function left(...)
  depth = depth - 1
  return ...
end

local function run(co, ...)
  if depth >= 190 then return false, 'C stack overflow' end
  depth = depth + 1
  return left(settled(co, resume(co, ...)))
end

local function hide(co)
  local outer = running()
  local seen = hidden[outer]
  if seen == nil then seen = outer end
  hidden[co] = seen
  return co
end

-- Errors of redis.call are tables; a script that catches one by pcall gets the text, as it did before Redis 7.
local function caught(ok, problem, ...)
  if not ok and type(problem) == 'table' then
    local text = problem.err
    if type(text) == 'string' or type(text) == 'number' then return ok, text end
  end
  return ok, problem, ...
end

real.pcall = function(f, ...)
  if plain(f) then return caught(run(hide(create(f)), ...)) end
  return caught(pcall(f, ...))
end

real.xpcall = function(f, handler)
  if not plain(f) then return xpcall(f, handler) end
  local function handled(ok, problem, ...)
    if ok then return ok, problem, ... end
    local fine, told = pcall(handler, problem)
    return false, told
  end
  return handled(run(hide(create(f))))
end

local routines = real.coroutine
routines.resume = function(co, ...)
  if type(co) ~= 'thread' then return resume(co, ...) end
  return run(co, ...)
end
routines.wrap = function(f)
  local co = create(f)
  local function unwrapped(ok, ...)
    -- Level 3 is who resumed it: the level between is this tail call's.
    if not ok then error((...), type((...)) == 'string' and 3 or 0) end
    return ...
  end
  return function(...) return unwrapped(run(co, ...)) end
end
routines.yield = function(...)
  if hidden[running()] ~= nil then error('attempt to yield across metamethod/C-call boundary', 0) end
  return yield(...)
end
routines.running = function()
  local co = running()
  local seen = hidden[co]
  if seen == nil then return co end
  return seen or nil
end

real.load = function(reader, name)
  local pieces = {}
  while true do
    local piece = reader()
    if piece == nil or piece == '' then break end
    if type(piece) ~= 'string' then return nil, 'reader function must return a string' end
    pieces[#pieces + 1] = piece
  end
  return loadstring(concat(pieces), name or '=(load)')
end

native.walkers(real.next, native.next)
for _, name in real.ipairs({ 'getmetatable', 'setmetatable', 'rawset', 'rawget', 'next', 'pairs', 'loadstring' }) do
  real[name] = native[name]
end
for _, name in real.ipairs({ 'print', 'dofile', 'loadfile', 'debug', 'getfenv', 'setfenv', 'newproxy' }) do real[name] = nil end

local function refuse() error('Attempt to modify a readonly table', 2) end
local function lock(behind, shown)
  local front = setmetatable({}, { __index = behind, __newindex = refuse })
  native.lock(front, behind, shown)
  return front
end

local strings = native.metatable('')
for _, name in real.ipairs({ 'string', 'table', 'math', 'coroutine', 'bit', 'cjson', 'cmsgpack', 'struct', 'redis' }) do
  real[name] = lock(real[name])
end
strings.__index = real.string

setmetatable(real, { __index = native.missing })
local globals = lock(real, lock({ __index = native.missing }))
real._G = globals

-- What a library sees while it is loaded: it may register functions, and nothing else.
local library = { redis = lock(setmetatable(native.library, { __index = native.missing })) }
setmetatable(library, { __index = native.missing })

local function begin(co)
  depth = 0
  hidden[co] = false
end

-- Where a script that was set aside stands: the innermost place in it that is its own.
local function place(co)
  local level = 0
  while true do
    local at = getinfo(co, level, 'Sl')
    if not at then return nil end
    if at.what ~= 'C' and at.what ~= 'tail' and at.source ~= '=prelude' then
      -- Before the first instruction of a function there is no current line.
      return at.source, at.currentline > 0 and at.currentline or at.linedefined > 0 and at.linedefined or 1
    end
    level = level + 1
  end
end

return globals, library, begin, place
`;
