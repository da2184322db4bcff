// Whoever selects a passage is offered an explanation of it: the selection becomes the question.
const chat = document.querySelector("cria-chat");
const button = Object.assign(document.createElement("button"), { className: "explain", textContent: "Explain", hidden: true });
document.body.append(button);

document.addEventListener("selectionchange", () => {
  const selection = document.getSelection();
  const text = selection.toString().trim();
  const inside = text.length > 3 && text.length < 600 && document.querySelector("article").contains(selection.anchorNode);
  button.hidden = !inside;
  if (!inside) return;
  const { right, top } = selection.getRangeAt(0).getBoundingClientRect();
  button.style.left = `${Math.min(right, innerWidth - 100) + scrollX}px`;
  button.style.top = `${top + scrollY - 44}px`;
});

button.addEventListener("click", () => {
  const text = document.getSelection().toString().trim();
  button.hidden = true;
  chat.ask(`Explain in simple words: “${text}”`).catch((error) => console.info(error.message));
});
