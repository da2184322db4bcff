// The shop's data, its shelf, and the questions about it.
const TEAS = [
  {
    id: "nilgiri",
    name: "Nilgiri Frost",
    kind: "Black",
    price: "£7.20",
    grams: 100,
    colours: ["#c65f33", "#f2d0a9"],
    facts:
      "Black tea from the Nilgiri hills in India, picked in January after cold nights. Tastes of apricot and cedar. Medium caffeine. 95 °C, three minutes. Good with milk.",
  },
  {
    id: "sencha",
    name: "Kirishima Sencha",
    kind: "Green",
    price: "£9.50",
    grams: 80,
    colours: ["#5b8f4e", "#dbe8bf"],
    facts:
      "Steamed green tea from Kagoshima in Japan, first flush, April. Tastes of peas and sea air. Medium caffeine. 70 °C, one minute; the same leaves make three cups.",
  },
  {
    id: "oolong",
    name: "Dong Ding Charcoal",
    kind: "Oolong",
    price: "£12.00",
    grams: 75,
    colours: ["#a9772f", "#f0dfb4"],
    facts:
      "Half-oxidised oolong from Lugu in Taiwan, roasted over longan charcoal for twelve hours. Tastes of toasted nuts and honey. Low caffeine. 95 °C, two minutes.",
  },
  {
    id: "rooibos",
    name: "Cederberg Red",
    kind: "Herbal",
    price: "£5.80",
    grams: 100,
    colours: ["#a63d2c", "#f3c6ad"],
    facts:
      "Rooibos from the Cederberg mountains in South Africa. It is no true tea and has no caffeine at all. Tastes of vanilla and hay. Boiling water, five minutes or longer.",
  },
];

const chat = document.querySelector("cria-chat");

document.querySelector("#teas").append(
  ...TEAS.map((tea) => {
    const item = document.createElement("li");
    const [dark, light] = tea.colours;
    item.innerHTML = `
      <svg viewBox="0 0 200 150" aria-hidden="true">
        <path fill="${light}" d="M0 0h200v150H0z" />
        <ellipse cx="100" cy="128" rx="66" ry="9" fill="${dark}" opacity=".25" />
        <path fill="#fff" d="M44 62h104v14c0 32-20 52-52 52s-52-20-52-52z" />
        <path fill="none" stroke="#fff" stroke-width="9" d="M148 70h10c20 0 20 32-2 34h-16" />
        <ellipse cx="96" cy="62" rx="52" ry="10" fill="${dark}" />
        <ellipse cx="88" cy="60" rx="28" ry="4" fill="#fff" opacity=".3" />
        <path fill="none" stroke="${dark}" stroke-linecap="round" stroke-width="4" opacity=".45" d="M80 44q-8-10 0-20M100 42q-8-12 0-24M118 44q-8-10 0-20" />
      </svg>
      <p class="kind">${tea.kind}</p>
      <h2>${tea.name}</h2>
      <p class="price">${tea.price} <span>for ${tea.grams} g</span></p>
      <div class="row"><button type="button" class="add">Add</button><button type="button" class="ask">Ask about it</button></div>`;
    item.querySelector(".ask").addEventListener("click", () => open(tea));
    return item;
  }),
);

/** The desk opens with this tea before it; the visitor asks, or takes one of the questions. */
function open(tea) {
  chat.reset();
  chat.context = `${tea.name}, ${tea.price} for ${tea.grams} g. ${tea.facts}`;
  chat.contextLabel = tea.name;
  chat.greeting = `${tea.name}. What would you like to know?`;
  chat.suggestions = ["How do I brew it?", "What does it taste of?", "Does it have caffeine?"];
  chat.open = true;
}
