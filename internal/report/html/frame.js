try {
  const data = JSON.parse(document.getElementById('data').textContent)
  render(data)
  const svg = document.querySelector('#canvas svg')
  parent.postMessage({
    drawn: svg.querySelectorAll('.history-rect').length,
    height: Math.ceil(svg.getBoundingClientRect().bottom + scrollY) + 30,
  }, '*')
} catch (error) {
  parent.postMessage({failed: String(error)}, '*')
}
