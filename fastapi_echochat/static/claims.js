// Which page of this browser a message is sent by: a tab that is duplicated has all that the first
// one has, and the bot is not to be asked twice.

export class Claims {
  // In milliseconds; a page that lives answers sooner.
  static patience = 300;

  // `owns(id)` says whether a message is under way here, `take` gets what other pages have of it.
  constructor(name, { owns, take }) {
    this.owns = owns;
    this.take = take;
    this.rank = 0;
    this.asked = new Set();
    this.watched = new Set();
    this.channel = new BroadcastChannel(name);
    this.channel.onmessage = ({ data }) => this.hear(data);
  }

  // Returns those that another page is about to send, or has sent.
  async findOthers(ids) {
    this.rank = Math.random();
    this.asked = new Set(ids);
    this.found = [];
    this.channel.postMessage({ ids, rank: this.rank });
    await new Promise((resolve) => { setTimeout(resolve, Claims.patience); });
    this.asked.clear();
    return this.found;
  }

  hear({ ids, rank, owned, ended }) {
    if (owned) this.found?.push(...owned.filter((id) => this.asked.has(id)));
    if (ended) this.take(ended);
    if (!ids) return;
    // Of two that ask at the same time one goes first.
    const isOurs = (id) => this.owns(id) && (!this.asked.has(id) || this.rank > rank);
    const ours = ids.filter(isOurs);
    for (const id of ours) this.watched.add(id);
    if (ours.length) this.channel.postMessage({ owned: ours });
  }

  // Tells the pages that have asked.
  tell(id, entries) {
    if (this.watched.delete(id)) this.channel.postMessage({ ended: entries });
  }
}
