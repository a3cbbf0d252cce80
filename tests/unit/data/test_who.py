import pytest

from tests.unit.data.prepared import cells, hints, numbers, prepare
from tuner_job.data.instruments.formats import Hint
from tuner_job.data.instruments.who import Who
from tuner_job.errors import DataError

# As ODK Briefcase writes the 2016 questionnaire: groups with hyphens, calculated items, dates in
# the phone's language.
BRIEFCASE = """\
SubmissionDate,presets-Id10002,presets-Id10004,respondent_backgr-Id10007,respondent_backgr-Id10012,\
consented-deceased_CRVS-info_on_deceased-Id10017,consented-deceased_CRVS-info_on_deceased-Id10019,\
consented-deceased_CRVS-info_on_deceased-Id10021,\
consented-deceased_CRVS-info_on_deceased-ageInDays,\
consented-deceased_CRVS-info_on_deceased-ageInYears,\
consented-deceased_CRVS-info_on_deceased-ageInMonths,\
consented-deceased_CRVS-info_on_deceased-isAdult,\
consented-deceased_CRVS-info_on_deceased-age_group,\
consented-deceased_CRVS-info_on_deceased-age_adult,\
consented-deceased_CRVS-info_on_deceased-Id10058,consented-deceased_CRVS-vital_reg_certif-Id10070,\
consented-illhistory-illdur-Id10120_0,consented-illhistory-illdur-id10120_unit,\
consented-illhistory-illdur-Id10121,consented-illhistory-illdur-Id10122,\
consented-illhistory-illdur-Id10120_1,consented-illhistory-illdur-Id10120,\
consented-illhistory-signs_symptoms_final_illness-Id10147,\
consented-illhistory-signs_symptoms_final_illness-Id10150,\
consented-illhistory-signs_symptoms_final_illness-Id10183,\
consented-illhistory-signs_symptoms_final_illness-Id10235,\
consented-illhistory-signs_symptoms_final_illness-id10235_check,\
consented-illhistory-health_service_utilization-Id10436,consented-deathcert-Id10464,\
consented-narrat-Id10476,consented-narrat-Id10477,meta-instanceID,KEY,cause
"Dec 11, 2018, 1:15:25 AM",high,dry,Don,"Dec 11, 2018",Jon,male,"Dec 11, 1995",8241,22,6,1,,,\
other_health_facility,,,years,,2,,730,yes,moderate,,face trunk,,J Forge said,,He fell ill,\
Fever Malaria,uuid:1,uuid:1,Malaria
"Dec 11, 2018, 1:15:27 AM",low,wet,Wendy,"Dec 11, 2018",Terry,female,,,,,1,adult,41,DK,,,\
months,9,,,270,dk,DK,99,everywhere,,,,No data,None,uuid:2,uuid:2,Stroke
"Dec 11, 2018, 1:15:29 AM",low,DK,Ann,"Dec 11, 2018",Kim,undetermined,,,,,1,adult,,home,,,\
DK,,,,NaN,Ref,,4,,,,,,dk,uuid:3,uuid:3,Stroke
"""


def left_out(found: dict[str, Hint]) -> dict[str, str]:
    return {name: hint.left_out for name, hint in found.items() if hint.left_out}


def test_groups_are_stripped_and_only_what_tells_of_the_illness_is_kept() -> None:
    table = prepare(Who(), BRIEFCASE)
    found = hints(Who(), BRIEFCASE)
    kept = [name for name in table.columns if not (name in found and found[name].left_out)]
    options = ["face", "trunk", "abdomen", "extremities", "everywhere"]
    words = ["Chronic_kidney_disease", "Dialysis", "Fever", "Heart_attack", "Heart_problem"]
    words += ["Jaundice", "Liver_failure", "Malaria", "Pneumonia", "Renal_kidney_failure"]
    assert kept == [
        *("Id10004", "Id10019", "Id10058", "Id10120", "Id10147", "Id10150", "Id10183"),
        *(f"Id10235/{option}" for option in options),
        *(f"Id10477/{word}" for word in (*words, "Suicide")),
        "age_years",
    ]
    assert left_out(found) == {
        "SubmissionDate": "a date",
        "Id10002": "not about the illness",
        "Id10007": "the interview",
        "Id10012": "the interview",
        "Id10017": "a name",
        "Id10021": "a date",
        "ageInDays": "a part of the age",
        "ageInYears": "a part of the age",
        "ageInMonths": "a part of the age",
        "isAdult": "a part of the age",
        "age_group": "a part of the age",
        "age_adult": "a part of the age",
        "Id10070": "the death certificate",
        "Id10120_0": "a part of Id10120",
        "Id10120_unit": "a part of Id10120",
        "Id10121": "a part of Id10120",
        "Id10122": "a part of Id10120",
        "Id10120_1": "a part of Id10120",
        "Id10235": "read as one column an answer",
        "Id10235_check": "a check of the form",
        "Id10436": "free text",
        "Id10464": "the death certificate",
        "Id10476": "the narrative",
        "Id10477": "read as one column an answer",
        "meta-instanceID": "an identifier",
        "KEY": "an identifier",
        "cause": "no item of the questionnaire",
    }
    assert table.notes == ()


def test_kinds_units_and_codes_are_known() -> None:
    found = hints(Who(), BRIEFCASE)
    assert found["Id10147"] == found["Id10477/Fever"]
    fever = found["Id10147"]
    assert (fever.kind, fever.yes, fever.no) == ("yes_no", {"1"}, {"0", "2"})
    assert fever.missing >= {"dk", "ref", "9", "99"}
    assert found["Id10150"].kind == found["Id10058"].kind == "choice"
    assert found["Id10019"].labels == {"1": "male", "2": "female"}
    assert (found["Id10183"].kind, found["Id10183"].unit) == ("number", "stools a day")
    assert found["Id10183"].missing == {"88", "99"}
    assert (found["Id10120"].kind, found["Id10120"].unit) == ("number", "days")
    assert found["age_years"].unit == "years"


def test_age_comes_from_the_dates_or_from_what_was_entered() -> None:
    assert numbers(prepare(Who(), BRIEFCASE), "age_years") == pytest.approx(
        [8241 / 365.25, 41, None]
    )


@pytest.mark.parametrize(
    ("items", "years"),
    [
        ({"ageInDays": "14", "age_group": "neonate", "ageInYears": "0"}, 14 / 365.25),
        ({"ageInDays": "NaN", "age_neonate_days": "3"}, 3 / 365.25),
        ({"age_neonate_days": "0", "age_neonate_hours": "12"}, 0.5 / 365.25),
        ({"age_child_unit": "days", "age_child_days": "40"}, 40 / 365.25),
        ({"age_child_unit": "months", "age_child_months": "18"}, 1.5),
        ({"age_child_unit": "years", "age_child_years": "4", "ageInMonthsByYear": "48"}, 4),
        ({"AGEINDAYS2": "731"}, 731 / 365.25),
        ({"ageInYears": "22", "ageInMonths": "6", "ageInMonthsRemain": "23"}, 22.5),
        ({"ageInMonths": "30"}, 2.5),
        ({"ageInMonthsByYear": "48"}, 4),
        ({"ageInYears2": "72"}, 72),
        ({"ageInDays": "-5", "age_adult": "50"}, 50),
        ({"ageInYears": "1930"}, None),
        ({"age_adult": ""}, None),
    ],
)
@pytest.mark.parametrize("prefix", ["", "consented-deceased_CRVS-info_on_deceased-", "data/a/"])
def test_ages_in_days_months_and_years_become_years(
    items: dict[str, str], years: float | None, prefix: str
) -> None:
    header = ",".join(f"{prefix}{name}" for name in items)
    table = prepare(Who(), f"{header},Id10147\n{','.join(items.values())},yes\n")
    assert numbers(table, "age_years") == [pytest.approx(years)]


def test_an_age_that_nobody_has_and_text_are_named() -> None:
    table = prepare(Who(), "Id10147,age_adult\nyes,1930\nno,old\nno,40\n")
    assert table.notes == (
        "Column age_adult: 1 cell is no number and adds nothing to age_years; the first is old in "
        "row 3 (the header is row 1).",
        "1 age below 0 or above 130 years taken as missing; the first is in row 2 (the header is "
        "row 1).",
    )


@pytest.mark.parametrize(
    "name",
    [
        *("Id10147", "id10147", "ID10147", "consented-illhistory-Id10147"),
        *("consented/illhistory/Id10147", "data.consented.illhistory.Id10147"),
        *("consented:illhistory:Id10147", "consented_illhistory_Id10147"),
        "2.4 (Id10147) Did (s)he have a fever?",
    ],
)
def test_items_are_found_in_every_way_of_writing_groups(name: str) -> None:
    table = prepare(Who(), f"{name},cause\nyes,X\n")
    assert [*table.columns] == ["Id10147", "cause"]


def test_ages_are_found_under_headers_of_labels() -> None:
    text = "(Id10147) Fever?,(ageInDays) Age in days,(age_adult) Age in years\nyes,730,\nno,,40\n"
    table = prepare(Who(), text)
    assert numbers(table, "age_years") == pytest.approx([2.0, 40.0], abs=0.01)


def test_a_longer_number_is_no_item() -> None:
    assert [*prepare(Who(), "Id101234,Id10147\n1,yes\n").columns] == ["Id101234", "Id10147"]


def test_names_that_the_experiment_gives_stay() -> None:
    text = "a-Id10147,a-Id10153,b-Id10057\nyes,no,North\n"
    table = prepare(Who(), text, drop=["a-Id10147"], site="b-Id10057")
    assert [*table.columns] == ["a-Id10147", "Id10153", "b-Id10057"]


def test_what_is_dropped_adds_nothing_to_a_duration_or_an_age() -> None:
    text = "Id10148_b,Id10148_c,ageInDays,age_adult,Id10147\n5,2,900,3,yes\n"
    table = prepare(Who(), text, drop=["Id10148_b", "ageInDays"])
    assert numbers(table, "Id10148") == [60]
    assert numbers(table, "age_years") == [3]


def test_an_item_in_several_columns_is_read_from_the_one_that_is_answered() -> None:
    table = prepare(Who(), "adult-Id10147,child-Id10147\nyes,\n,\n,no\n")
    assert cells(table, "Id10147") == ["yes", None, "no"]
    assert table.notes == (
        "1 item in several columns each (Id10147): of every row the first that is answered is "
        "taken.",
    )


def test_what_projects_write_down_beside_a_choice_is_free_text() -> None:
    found = hints(Who(), "Id10339,Id10339_other\nDoctor,\nother,aunt\n")
    assert found["Id10339_other"].left_out == "free text"


def test_what_changed_its_kind_between_the_questionnaires_is_left_to_inference() -> None:
    assert "Id10376" not in hints(Who(), "Id10376\nbefore\nafter\n")
    assert "Id10317" not in hints(Who(), "Id10317\nyes\nno\n")


KOBO_META = "start,end,today,deviceid,_id,_uuid,_submission_time,__version__,_index,_gps_latitude"


def test_what_kobo_and_central_add_is_left_out() -> None:
    header = f"{KOBO_META},consent,instanceID,KEY,SubmitterName,FormVersion,meta-audit,Id10147"
    text = f"{header}\n{','.join('x' * 16)},yes\n"
    found = hints(Who(), text)
    reasons = left_out(found)
    assert {name for name in header.split(",") if name not in reasons} == {"Id10147"}
    assert reasons["_submission_time"] == reasons["start"] == "a date"
    assert reasons["_uuid"] == reasons["KEY"] == reasons["meta-audit"] == "an identifier"
    assert reasons["_gps_latitude"] == "a place"
    assert reasons["consent"] == "consent"


def test_a_file_without_items_says_so() -> None:
    with pytest.raises(DataError, match=r"columns such as Id10147 or .*; found cause, fever$"):
        prepare(Who(), "cause,fever\nX,yes\n")
    with pytest.raises(DataError, match=r"i004a are openVA's: set data\.format: openva"):
        prepare(Who(), "ID,cause,i004a,i004b\n1,X,y,n\n")


def test_the_parts_of_what_is_computed_are_as_the_experiment_file_says() -> None:
    text = "Id10120_unit,Id10121,Id10122,ageInYears,Id10147\nmonths,,99,30,yes\nmonths,,2,99,no\n"
    assert numbers(prepare(Who(), text, missing=["99"]), "Id10120")[0] is None
    of_one = prepare(Who(), text, columns={"Id10122": {"missing": ["99"]}})
    assert numbers(of_one, "Id10120")[0] is None
    assert numbers(of_one, "age_years")[1] is not None
    for drop in (["ageIn*"], ["ageInYears"]):
        assert "age_years" not in prepare(Who(), text, drop=drop).columns
    dropped = prepare(Who(), text, columns={"ageInYears": {"kind": "drop"}})
    assert "age_years" not in dropped.columns
