// The few words that stand in the page around the frame; the frame has its own, of the same languages.

interface ElementWords {
  readonly ask: string;
  readonly close: string;
  /** Before the frame is there. */
  readonly opening: string;
  readonly unreachable: string;
}

const WORDS: Readonly<Record<string, ElementWords>> = {
  en: { ask: "Ask", close: "Close", opening: "Opening…", unreachable: "Cria can’t be opened here." },
  de: { ask: "Fragen", close: "Schließen", opening: "Wird geöffnet…", unreachable: "Cria lässt sich hier nicht öffnen." },
  es: { ask: "Preguntar", close: "Cerrar", opening: "Abriendo…", unreachable: "Cria no se puede abrir aquí." },
  fr: { ask: "Demander", close: "Fermer", opening: "Ouverture…", unreachable: "Cria ne peut pas s’ouvrir ici." },
  pt: { ask: "Perguntar", close: "Fechar", opening: "Abrindo…", unreachable: "Não é possível abrir o Cria aqui." },
  ja: { ask: "質問する", close: "閉じる", opening: "開いています…", unreachable: "ここでは Cria を開けません。" },
};

/** The words of a language tag such as "pt-BR"; English where there are none. */
export function elementWords(language: string): ElementWords {
  const name = language.toLowerCase().split("-")[0]!;
  return WORDS[Object.hasOwn(WORDS, name) ? name : "en"]!;
}
