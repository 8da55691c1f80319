'use strict'

// Everything that comes from a log is put into the page as text nodes.
function make(tag, attributes, ...children) {
  const e = document.createElement(tag)
  for (const [k, v] of Object.entries(attributes || {})) e.setAttribute(k, v)
  e.append(...children)
  return e
}

function table(caption, head, rows, numbers) {
  const t = make('table', {}, make('caption', {}, caption))
  t.append(make('thead', {}, make('tr', {}, ...head.map((h) => make('th', {scope: 'col'}, h)))))
  const body = make('tbody')
  for (const row of rows) body.append(make('tr', {}, ...row.map((c, i) => make('td', i < numbers ? {class: 'n'} : {}, c))))
  t.append(body)
  return make('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption}, t)
}

// The timeline's page, before and after its data, and each action's place in the
// kernel.
const page = JSON.parse(document.getElementById('page').textContent)
const frames = new Map()

// A timeline is drawn when it comes near the screen.
const near = new IntersectionObserver((entries) => {
  for (const e of entries) {
    if (!e.isIntersecting) continue
    near.unobserve(e.target)
    draw(e.target)
  }
}, {rootMargin: '300px'})

const waiting = new Map()

function draw(place) {
  const {life, data} = waiting.get(place)
  waiting.delete(place)
  const f = make('iframe', {sandbox: 'allow-scripts', title: 'Timeline of ' + data.name})
  f.srcdoc = page.before + JSON.stringify(data.timeline).replaceAll('<', '\\u003c') + page.after
  place.append(f)
  frames.set(f, life)
}

window.addEventListener('message', (event) => {
  for (const [f, life] of frames) {
    if (f.contentWindow !== event.source) continue
    if (event.data.failed) {
      console.error('timeline: ' + event.data.failed)
      return
    }
    f.style.height = Math.min(Number(event.data.height), 4000) + 'px'
    life.dataset.width = String(Number(event.data.width))
    life.dataset.drawn = String(Number(event.data.drawn))
  }
})

function finding(f) {
  const box = make('div', {class: 'finding ' + f.level})
  box.append(make('p', {}, make('b', {}, f.rule + ' ' + f.level), ' ' + f.title + ', ' + f.where + ': ' + f.message))
  if (f.allowed) box.append(make('p', {}, 'allowed there: ' + f.allowed.join(', ')))
  if (f.advice) box.append(make('p', {}, 'to do: ' + f.advice))
  if (f.would_settle) box.append(make('p', {}, 'would settle it: ' + f.would_settle))
  return box
}

function fill(life) {
  if (!life.dataset.life) return
  const data = JSON.parse(life.dataset.life)
  delete life.dataset.life
  const facts = make('dl')
  for (const [k, v] of data.facts) facts.append(make('div', {}, make('dt', {}, k), make('dd', {}, v)))
  life.append(facts, ...data.findings.map(finding))
  if (data.chart.length > 0) {
    life.append(table('One order that fits (a step without a line is not shown by the log)', ['line', data.caller, data.name, 'in the kernel'], data.chart.map((r) => [r[0], r[1], r[2], page.where[r[3]] || '']), 1))
  }
  if (data.timeline) {
    const place = make('div', {class: 'timeline'})
    life.append(make('h3', {}, 'When each step may have happened'), place)
    waiting.set(place, {life, data})
    near.observe(place)
    const rows = data.timeline.Partitions[0].History.map((o) => [data.timeline.Rows[o.ClientId] || rowName(data.timeline.Rows, o.ClientId), o.Description, o.OriginalStart, o.OriginalEnd, o.Metadata])
    const words = make('details', {}, make('summary', {}, 'The same as a table'))
    words.append(table('Windows of the operations', ['who', 'what', 'not before', 'not after', 'shown by'], rows, 0))
    life.append(words)
  } else {
    life.append(make('p', {}, 'No timeline: the search came to no end, or there are too many steps to draw.'))
  }
  const lines = data.lines.map((l) => [String(l.n), l.text])
  if (data.more > 0) lines.push(['', 'and ' + data.more + ' more'])
  life.append(table('Its lines', ['line', 'text'], lines, 1))
}

// The rows of a task after its first have no name of their own.
function rowName(rows, i) {
  while (i > 0 && rows[i] === '') i--
  return rows[i]
}

const lives = [...document.querySelectorAll('details.life')]
document.addEventListener('toggle', (event) => {
  if (event.target.open && event.target.matches('details.life')) fill(event.target)
}, true)
for (const life of lives) if (life.open) fill(life)

const summary = document.getElementById('summary')
document.querySelector('header').after(summary)

const form = document.getElementById('filter')
form.hidden = lives.length < 2
for (const key of ['fits', 'outcome', 'level']) {
  const count = new Map()
  for (const life of lives) count.set(life.dataset[key], (count.get(life.dataset[key]) || 0) + 1)
  for (const [value, n] of [...count].sort()) {
    form.elements[key].append(make('option', {value: value || 'none'}, (value || 'none').replaceAll('_', ' ') + ' (' + n + ')'))
  }
}

const count = document.getElementById('count')
function shown() {
  return lives.filter((l) => !l.hidden)
}
function filter() {
  const name = form.elements.name.value.toLowerCase()
  for (const life of lives) {
    life.hidden = !life.dataset.name.toLowerCase().includes(name) ||
      ['fits', 'outcome', 'level'].some((k) => form.elements[k].value !== '' && form.elements[k].value !== (life.dataset[k] || 'none'))
  }
  count.textContent = shown().length + ' of ' + lives.length + ' threads'
}
form.addEventListener('input', filter)
form.addEventListener('submit', (event) => event.preventDefault())
document.getElementById('open').addEventListener('click', () => {
  const some = shown().slice(0, 500)
  for (const life of some) {
    fill(life)
    life.open = true
  }
  if (some.length < shown().length) count.textContent += ', the first 500 opened'
})
document.getElementById('close').addEventListener('click', () => {
  for (const life of lives) life.open = false
})
filter()
document.body.classList.add('ready')
