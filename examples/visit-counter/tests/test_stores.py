import unittest

from counter.stores import MemoryStore, open_store


class StoresTest(unittest.TestCase):
    def test_each_page_is_counted_by_itself(self) -> None:
        store = MemoryStore()
        self.assertEqual([store.add("/a"), store.add("/b"), store.add("/a")], [1, 1, 2])

    def test_an_unknown_address_is_refused(self) -> None:
        with self.assertRaises(ValueError):
            open_store("ftp://somewhere")


if __name__ == "__main__":
    unittest.main()
