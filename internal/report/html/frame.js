// A frame that is not on the screen has no layout, and the drawing measures its
// texts: the first animation frame comes when it is.
requestAnimationFrame(() => {
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
})
