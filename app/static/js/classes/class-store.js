/** Classes and examples in the browser's database, record by record, so that two tabs do not overwrite each other's work. */

const DATABASE = "convserve-classes";
const VERSION = 1;
const STORES = ["classes", "examples", "settings"];

/** @param {IDBRequest} request @returns {Promise<any>} */
const settle = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

/**
 * @typedef {{put?: [store: string, record: any][], remove?: [store: string, key: any][]}} Changes
 */

/** @typedef {{classes: any[], examples: any[], settings: any[]}} Records in the order of their ids */

/** The store and what it has kept. A browser that keeps nothing for this page has none. @returns {Promise<{store: ClassStore|null, kept: Records}>} */
export async function openClassStore() {
  try {
    const store = await ClassStore.open();
    return { store, kept: await store.readAll() };
  } catch (error) {
    console.warn(error);
    return { store: null, kept: { classes: [], examples: [], settings: [] } };
  }
}

export class ClassStore {
  /** @param {IDBDatabase} database */
  constructor(database) {
    this.database = database;
    database.onversionchange = () => database.close(); // a page of a later version wants to change the stores
  }

  /** @returns {Promise<ClassStore>} throws if the browser keeps nothing for this page */
  static async open() {
    const request = indexedDB.open(DATABASE, VERSION);
    request.onupgradeneeded = () => {
      for (const store of STORES) request.result.createObjectStore(store, { keyPath: "id" });
    };
    return new ClassStore(await settle(request));
  }

  /** @returns {Promise<Records>} */
  async readAll() {
    const transaction = this.database.transaction(STORES);
    const [classes, examples, settings] = await Promise.all(STORES.map((store) => settle(transaction.objectStore(store).getAll())));
    return { classes, examples, settings };
  }

  /** All changes or none. @param {Changes} changes @returns {Promise<void>} throws if the browser has no room */
  write({ put = [], remove = [] }) {
    return new Promise((resolve, reject) => {
      const transaction = this.database.transaction(STORES, "readwrite");
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error ?? new Error("the browser's database was closed"));
      for (const [store, record] of put) transaction.objectStore(store).put(record);
      for (const [store, key] of remove) transaction.objectStore(store).delete(key);
    });
  }
}
