// A frame that the page has not laid out yet measures all texts as nothing, and
// the drawing goes by their sizes: wait until the legend has one.
function measured() {
  try {
    return document.querySelector('#legend text').getBBox().width > 0
  } catch {
    return false
  }
}

function draw() {
  if (!measured()) {
    setTimeout(draw, 50)
    return
  }
  try {
    const data = JSON.parse(document.getElementById('data').textContent)
    render(data)
    const svg = document.querySelector('#canvas svg')
    parent.postMessage({
      drawn: svg.querySelectorAll('.history-rect').length,
      width: Number(svg.getAttribute('width')),
      height: Number(svg.getAttribute('height')) + 90, // the legend, and a scroll bar
    }, '*')
  } catch (error) {
    parent.postMessage({failed: String(error)}, '*')
  }
}

draw()
